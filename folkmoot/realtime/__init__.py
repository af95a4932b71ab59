"""The real-time engine: connections, channels and their delivery. It knows nothing of chat."""
