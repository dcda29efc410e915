"""trueup's own tables as a mirror of a bot's books: rows are taken in, corrections are written back."""
