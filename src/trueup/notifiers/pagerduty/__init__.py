"""Alerts as PagerDuty's events."""
