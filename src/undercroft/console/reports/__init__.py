"""Reports: what was stored, carried and asked for, with charts and their tables, and what it comes to."""
