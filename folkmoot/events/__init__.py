"""A room is a log: the append-only table of events, and the one way to append to it."""
