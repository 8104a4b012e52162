"""Gatehouse: an OAuth2 identity and consent broker for school data. Start reading at `app/main.py`."""

__version__ = "0.1.0"
