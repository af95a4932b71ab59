"""The audit log: who did what to what, from where, when, and what came of it."""
