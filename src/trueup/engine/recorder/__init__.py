"""What a bot writes of its own orders, fills and trades."""
