"""Starts the real server and real clients for tests. Nothing here stands in for a part of Undercroft."""
