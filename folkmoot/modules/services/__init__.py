"""Services: how those are that the operator named."""
