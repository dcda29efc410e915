"""Where alerts go, one module or folder each, found by entry point."""
