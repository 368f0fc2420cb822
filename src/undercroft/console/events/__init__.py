"""Event notifications of a bucket: rules, test events, and the log of deliveries."""
