"""What accounts use of the service, what they may use of it, and who is told when that runs out."""
