"""The one place, with the areas' store.py, that knows MongoDB."""
