"""A plan in the making: the local side, the venue side, and what was decided so far."""
