"""Letters that tell people what has changed about their account."""
