"""Snapshots: zips that the service makes and keeps."""
