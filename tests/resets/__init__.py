"""Forgotten passwords, with a real mail server."""
