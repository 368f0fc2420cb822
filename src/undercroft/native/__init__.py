"""The B2 Native API face: JSON calls, uploads and downloads, versions 1 to 4, over the store."""
