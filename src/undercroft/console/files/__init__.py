"""Browsing files: folders, details, sharing, and all that can be done with a selection."""
