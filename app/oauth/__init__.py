"""The authorization server: one file for each RFC feature. Start with `routes.py`."""
