"""The simulated venue behind Alpaca's HTTP API."""
