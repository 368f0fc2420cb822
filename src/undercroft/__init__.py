"""Undercroft: cloud object storage that speaks the B2 Native API and the S3-Compatible API over one store."""

__version__ = "0.1.0"
