"""The S3-Compatible face: REST and XML over the store, with Signature Version 4."""
