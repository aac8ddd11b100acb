"""Birth as one thing: one application of the parents, several agencies."""
