"""People: accounts, passwords, and signing in."""
