"""What the product says about itself: logs, metrics, traces, and whether it lives."""
