"""Models that this machine computes: what runs them, and what is done about what goes wrong there."""
