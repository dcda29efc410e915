"""trueup's own books: orders, fills and trades as the Recorder writes and a run reads them."""
