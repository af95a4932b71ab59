"""A module with slash commands, as a developer would write it."""
