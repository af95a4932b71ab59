"""The HTTP door: authenticates, parses, calls an action, and translates its errors. It holds no rules."""
