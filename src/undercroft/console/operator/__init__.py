"""The operator's section: others' accounts, and invitations."""
