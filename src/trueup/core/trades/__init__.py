"""Trades as the sums of their orders, and the positions they are compared with."""
