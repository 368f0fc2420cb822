"""What can be set of a bucket: its type and info, lifecycle, CORS, Object Lock, access logs; and deleting it."""
