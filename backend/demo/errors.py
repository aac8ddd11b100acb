"""What keeps the demo from running here."""


class DemoError(Exception):
    """The demo cannot go on; the text is one sentence that says what to do."""
