"""A fleet as it is configured: the accounts of its roster, its broker, its workers."""
