"""What the engine needs from outside: protocols and their values. Adapters translate, they never decide."""
