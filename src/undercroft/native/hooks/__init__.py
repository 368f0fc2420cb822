"""Test hooks: faults that the service would make one day, made on demand or by chance, for those who test B2 clients."""
