"""Slash commands: what somebody types, such as `/roll 6`, becomes the input of an action or a question to a service."""
