"""Schedules, the pool of their slots, and the claims on them."""
