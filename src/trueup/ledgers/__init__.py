"""Ledgers: the tables that hold the local side, with trueup's journal beside them in the same transaction.

What is the same for every database (reading, applying a plan, the order log, the outbox) stands here once, on the small
`Database` protocol; a database adds its connection, its migrations and its file of named statements.
"""
