"""Modules that are not ours: loading them, their doors, their databases."""
