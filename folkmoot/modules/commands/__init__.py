"""Slash commands: which there are, and running one in a room."""
