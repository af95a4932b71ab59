"""Databases by name: pools, statements with named parameters, and what their values are in JSON."""
