"""Whole worlds on trial: drawn from a seed, run, judged, shrunk."""
