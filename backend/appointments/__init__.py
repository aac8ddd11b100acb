"""Booking: the journey that joins directory, slot pool, billing and messages."""
