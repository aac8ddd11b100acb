"""The dialogues: one file each, plain Python; what several share is in `asking`, `places` and `sessions`."""

from __future__ import annotations

from bots.dialogue import Dialogue
from bots.dialogues.book import Book


def all_dialogues(app_url: str) -> tuple[Dialogue, ...]:
    """Everything a resident can do by talking, in the order of the menu. `app_url` is where the app is."""
    return (Book(app_url),)
