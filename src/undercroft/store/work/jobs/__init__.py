"""Jobs: long work on buckets that somebody asked for, done in the background in small steps."""
