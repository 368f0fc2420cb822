"""Connections to addresses that users name: webhooks, and whatever else is to come.

Users choose where we connect to, and we stand inside the operator's network. So every such connection goes through the guard,
and is made to the very address that the guard has looked at (`guard.py`). What is said over it is HTTP/1.1 (`client.py`).
"""
