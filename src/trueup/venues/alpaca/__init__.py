"""Alpaca. Entry point: `open_venue`."""
