"""Hummingbot: its database is a record that nothing reads back; it is read and never written."""
