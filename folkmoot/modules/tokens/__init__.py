"""Access tokens: what a person hands to a program, for some of what they may do."""
