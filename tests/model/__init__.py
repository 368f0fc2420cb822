"""The rules of the store as a plain program, and what drives it and Undercroft side by side."""
