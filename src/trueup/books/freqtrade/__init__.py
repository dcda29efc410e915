"""freqtrade: its database is read and never written; repairs are asked of its own REST server, where allowed."""
