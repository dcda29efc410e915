"""Any SQL table or view as books, by a mapping: what means what, how it is read, and how it is written."""
