"""Exports that people have (CSV, JSON, JSON lines; a bot's, Alpaca's, ccxt's) made into a snapshot.

`read_rows` → `take_columns` → `read_orders`, `read_holdings` → `make_snapshot`. Whatever is not certain is refused
with the file, the row and the option that settles it; whatever was decided is noted, to be shown.
"""
