"""The HTTP door, as clients see it: real requests to a running node."""
