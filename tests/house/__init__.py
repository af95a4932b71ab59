"""The rules of the house: who may import whom, and what must be written down."""
