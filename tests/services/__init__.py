"""The service container: named HTTP services, over real connections to programs that behave and misbehave."""
