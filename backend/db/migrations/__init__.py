"""Numbered migrations; each runs once, and may run again."""
