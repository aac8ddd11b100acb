"""Reads one sentence that a resident typed; pure, without database or network."""
