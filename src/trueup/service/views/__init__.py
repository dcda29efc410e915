"""What a person sees of accounts, profiles, orders, trades, breaks and runs: the same in the terminal, JSON and pages.

Each file is one view: a value, and the function that reads it from a ledger. Sync, for a thread; no wording beyond
what is data, no markup.
"""
