"""Histories of what several clients asked for at once, and the rules by which they are judged."""
