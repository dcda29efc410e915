"""Alerts as a signed webhook."""
