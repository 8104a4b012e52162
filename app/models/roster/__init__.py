"""A school's roster: its people, their groups and enrolments, and the batches that bring them.

Every key begins with the school, so that the tables divide by it: in PostgreSQL they are hash-partitioned by school,
and row-level security lets a transaction see one school's rows alone (`sessions.begin(school=…)`).
"""

from app.models.roster import batch, exclusion, group, head, person  # noqa: F401
