"""The pure core: one snapshot in, one plan out. No clock, no I/O, no randomness, no logging, no globals."""
