"""What runs on the server beside the stack: it takes the stack from one release to another, and keeps its backups.

It needs nothing but Python and Docker Compose, so that a server can be looked after when nothing else works.
"""
