"""Background jobs, on a real PostgreSQL, in real workers."""
