"""Who did what to which object, and why: an append-only log that shows when it was touched."""
