"""The catalog: all metadata, behind one narrow contract (see `contract.py` and DESIGN.md)."""
