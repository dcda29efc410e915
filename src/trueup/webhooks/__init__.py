"""Signed requests to an address of somebody's choice."""
