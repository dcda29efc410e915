"""Requests to a venue over HTTP: retries, time-outs, one budget per account."""
