"""Calls by name: the socket's `rpc`, and gRPC, whose libraries are loaded only where it is switched on."""
