"""What the product says about itself: logs."""
