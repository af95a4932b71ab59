"""Letters to people: what they say, how they are written down, and how they are handed to a mail server."""
