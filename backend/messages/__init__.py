"""Telling people: what they are told, through what, and what became of it."""
