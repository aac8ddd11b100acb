"""Figures of the city: counters fed by events, by day, institution and channel."""
