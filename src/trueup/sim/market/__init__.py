"""The simulated venue: its market, what it truly did, and what its reads show of that."""
