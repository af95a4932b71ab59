"""What the product says about itself, read as an operator's tools read it."""
