"""Buckets: their list, making one, and what can be set of each."""
