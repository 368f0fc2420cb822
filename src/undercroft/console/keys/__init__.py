"""Application Keys."""
