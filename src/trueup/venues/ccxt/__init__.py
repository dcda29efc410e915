"""The exchanges that CCXT knows. Entry point: `open_venue`."""
