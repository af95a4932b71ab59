"""Databases by name, for modules: a pool for each, and SQL with parameters that have names."""
