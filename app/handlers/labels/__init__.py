"""Labels: what the place shows of label projects, and what reviewers do in it."""
