"""Fuzzing: a mutator, a campaign, and one module of targets for each kind of input that comes from outside."""
