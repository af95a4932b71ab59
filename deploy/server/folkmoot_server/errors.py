"""What can be expected to go wrong."""


class Failed(Exception):
    """Something did not work; the message says what, what was done about it, and what to do."""
