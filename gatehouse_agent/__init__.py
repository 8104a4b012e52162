"""Gatehouse agent: sends a school's MIS export from a server of the school to Gatehouse. Start reading at `cli.py`.

It imports nothing of the server, runs on Python 3.9 and newer, and needs `cryptography` alone.
"""

__version__ = "0.1.0"
