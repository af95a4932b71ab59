"""The smallest module that does something of everything: an answer, an input, a table of its own."""
