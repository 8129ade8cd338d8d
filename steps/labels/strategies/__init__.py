"""Ways to turn many annotations of an item into one label with an uncertainty."""
