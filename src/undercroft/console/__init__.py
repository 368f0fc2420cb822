"""The web console: a face with an address of its own, so that a stored file never shares its origin."""
