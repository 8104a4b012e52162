"""Runs migrations online, on the database of the settings. A lock is waited for five seconds, then given up."""

import re
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text

from app.db import engine, is_sqlite
from app.models import Base
from app.models.base import Instant


def _is_ours(name: str | None, kind: str, parent: object) -> bool:
    """Autogenerate leaves alone what a full-text index makes for itself, and what partitions bring with them."""
    name = name or ""
    if kind == "foreign_key_constraint":  # one to each partition of the table that it points to
        return not re.fullmatch(r"\w+_school_id_\w+_id_fkey\d*", name)
    partition = kind in ("table", "index") and re.match(r"\w+_\d(_|$)", name)
    return not (partition or name.startswith("establishment_search"))


def _rendered(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Migrations outlive our type names, so they speak of plain ones."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=is_sqlite,
        compare_type=True,
        include_name=_is_ours,
        render_item=_rendered,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        if not is_sqlite:
            connection.execute(text("SET lock_timeout = '5s'"))
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with engine.connect() as connection:
        _run(connection)
        connection.commit()
