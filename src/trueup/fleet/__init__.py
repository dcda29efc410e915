"""Many accounts on many machines: shards of accounts, dispatched by a broker that exists, run as any account is run."""
