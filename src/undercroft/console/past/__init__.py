"""Point in time: a bucket as it was, and back to there."""
