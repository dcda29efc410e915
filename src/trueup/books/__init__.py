"""Books that are not ours: what a bot recorded in tables of its own. One folder a kind, named by an entry point."""
