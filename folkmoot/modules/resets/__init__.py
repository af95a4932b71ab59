"""A new password for those who forgot theirs, by a letter to their address."""
