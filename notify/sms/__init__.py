"""Adapters for providers of text messages."""
