"""Bringing other systems' directories and free places into the city's own directory and pool."""
