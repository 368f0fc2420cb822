"""My Settings: the account, its products, and what keeps it safe."""
