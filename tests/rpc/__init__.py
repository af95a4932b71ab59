"""gRPC, through real connections."""
