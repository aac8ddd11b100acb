"""What a resident can do by talking, a dialogue per file."""
