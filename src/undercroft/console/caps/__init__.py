"""Caps & Alerts."""
