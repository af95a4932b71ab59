"""Incoming hooks: secret addresses by which other programs post into a room."""
