"""What `scripts/stubs.py` makes of the contracts in `proto/`."""
