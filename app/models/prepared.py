"""Statements that run for every token: put together once, and on PostgreSQL handed to the driver as they are.

SQLAlchemy needs three times as long to pass a statement on as the driver needs to run it. SQLite's driver knows neither
UUIDs nor moments, so there SQLAlchemy goes on converting them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Executable, Table

from app.db import Session, driver, engine, is_sqlite


class Prepared:
    """A statement of SQLAlchemy Core whose text never changes; see `among` for lists of values."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._text: str = ""
        self._fixed: dict[str, Any] = {}
        if not is_sqlite:
            compiled = cast(Any, statement).compile(engine)
            self._text, self._fixed = str(compiled), dict(compiled.params)

    def rows(self, db: Session, **bound: Any) -> Sequence[Any]:
        """Run it; every row that it gives, its columns by position."""
        if is_sqlite:
            return db.connection().execute(self._statement, bound).all()
        with driver(db) as cursor:
            cursor.execute(self._text, self._fixed | bound)
            return cast(Sequence[Any], cursor.fetchall())


class Added:
    """Inserting many rows of one table at once."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __call__(self, db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert them; each names the same columns."""
        if is_sqlite:
            db.connection().execute(self._table.insert(), rows)
            return
        # PostgreSQL's COPY takes a row in a third of the time that INSERT needs.
        names = list(rows[0])
        with (
            driver(db) as cursor,
            cursor.copy(f"COPY {self._table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(self._kinds(names))
            for row in rows:
                copy.write_row(row.values())

    def _kinds(self, names: Iterable[str]) -> list[str]:
        """The columns' types as the driver calls them: `VARCHAR(43)` is `varchar` there."""
        kinds = [self._table.c[name].type.compile(engine.dialect).partition("(")[0].lower() for name in names]
        return ["timestamptz" if kind == "timestamp with time zone" else kind for kind in kinds]
