"""The audit log, as admins see it."""
