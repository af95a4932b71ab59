"""Outgoing webhooks, against a real receiver."""
