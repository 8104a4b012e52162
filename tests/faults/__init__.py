"""Faults of the authorization server (security.md Reliability a, b, c, d, f, l; protocol.md 36, 45, 66).

Processes are killed, statements fail, the database goes away and comes back, two workers race. What must hold
afterwards is asked of the tables by the auditor, after every test here (`conftest.py`).

Everything runs in a short form. `GATEHOUSE_TEST_LONG=1 gatehouse test tests/faults` kills and races many times more.
"""

import os

LONG = bool(os.environ.get("GATEHOUSE_TEST_LONG"))
