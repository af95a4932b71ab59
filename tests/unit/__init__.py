"""Parts on their own, and the log with a real PostgreSQL."""
