"""Files: their versions, uploads, large files, copies, lists and reads."""
