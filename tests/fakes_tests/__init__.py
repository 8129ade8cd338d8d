"""Do the fakes behave like the servers they stand in for? Asked through the real clients."""
