"""Members of an account: the owner's page about them, the invitation that they open, and where they go to work."""
