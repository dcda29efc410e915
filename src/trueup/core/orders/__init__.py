"""One order: how it is judged against the venue's, how its fills are folded, how one is inserted."""
