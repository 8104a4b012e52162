"""Finding an establishment by part of its name.

Why: people type part of a name or town, and a scan of 52,000 rows for each is slow.
Locks: PostgreSQL builds the index under a share lock on establishment, which only an import waits for; SQLite writes
a table of its own.
Undo: drops the indexes; searching goes on without, more slowly on PostgreSQL and not at all on SQLite. The extension
stays, because something else may use it by now.

Where PostgreSQL lacks pg_trgm, or the role may not create it, the same queries run without an index.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _full_text()
    elif _has_trigrams(op.get_bind()):
        op.execute(
            "CREATE INDEX establishment_search_idx ON establishment"
            " USING gin ((' ' || name_key || ' ' || place_key) gin_trgm_ops)"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER establishment_search_gone")
        op.execute("DROP TABLE establishment_search")
    else:
        op.execute("DROP INDEX IF EXISTS establishment_search_idx")


def _full_text() -> None:
    """Positions are left out: a word is looked for by all its trigrams, and the few false hits are weeded out after."""
    op.execute(
        "CREATE VIRTUAL TABLE establishment_search"
        " USING fts5 (text, tokenize = 'trigram', detail = 'none', columnsize = 0)"
    )
    op.execute(
        "INSERT INTO establishment_search (rowid, text) SELECT urn, ' ' || name_key || ' ' || place_key"
        " || CASE WHEN status_code IN ('1', '3') THEN ' +++' ELSE '' END FROM establishment"
    )
    op.execute(
        "CREATE TRIGGER establishment_search_gone AFTER DELETE ON establishment"
        " BEGIN DELETE FROM establishment_search WHERE rowid = old.urn; END"
    )


def _has_trigrams(connection: sa.Connection) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
    except DBAPIError:
        return False
    return True
