"""The Partner API: groups of accounts and their members (reference, section 22). One file a group of calls."""
