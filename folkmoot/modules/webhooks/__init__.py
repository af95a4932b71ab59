"""Outgoing webhooks: what happens in a room is posted to an address that an admin names, signed and in order."""
