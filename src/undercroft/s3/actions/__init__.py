"""The actions of S3: one file an action or a pair. Each handler parses, calls the store once and answers."""
