"""A module as a developer would add one: only its jobs."""
