"""Talking with residents in WeChat and by SMS: understanding, dialogues, and the engine that runs them."""
