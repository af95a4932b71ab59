"""Folkmoot: a self-hosted team chat, and the real-time backend under it."""

__version__ = "0.1.0"
