"""Bots: accounts of programs, which have tokens instead of a password."""
