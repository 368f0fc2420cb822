"""Background work of the store: what the steward schedules."""
