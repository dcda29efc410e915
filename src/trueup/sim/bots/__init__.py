"""Simulated bots and people: what they trade, hear, remember and record."""
