"""Background jobs, as the operator sees them: what waits, what runs, what failed, and trying again."""
