"""The command line. One file per command; nothing heavier than click is imported before a command needs it."""
