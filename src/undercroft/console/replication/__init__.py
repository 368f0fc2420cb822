"""Cloud Replication: of the whole account, of one bucket, and targets elsewhere."""
