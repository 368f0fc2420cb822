"""Jobs: the long work of the account, and the dialogs that begin it."""
