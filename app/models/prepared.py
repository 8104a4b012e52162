"""Statements that run for every token: put together once, and on PostgreSQL handed to the driver as they are.

SQLAlchemy needs three times as long to pass a statement on as the driver needs to run it. SQLite's driver knows neither
UUIDs nor moments, so there SQLAlchemy goes on converting them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
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
        self._texts: dict[tuple[str, ...], str] = {}

    def __call__(self, db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert them; each names the same columns."""
        if is_sqlite:
            db.connection().execute(self._table.insert(), rows)
            return
        with driver(db) as cursor:
            cursor.execute(self._text(tuple(rows[0])), (orjson.dumps(rows, default=bytes.hex).decode(),))

    def _text(self, names: tuple[str, ...]) -> str:
        """One text, one plan and one parameter for any number of rows: they travel as JSON."""
        if names not in self._texts:
            kinds = {name: self._table.c[name].type.compile(engine.dialect) for name in names}
            values = [f"decode({name}, 'hex')" if kinds[name] == "BYTEA" else name for name in names]
            columns = [f"{name} {'TEXT' if kind == 'BYTEA' else kind}" for name, kind in kinds.items()]
            self._texts[names] = (  # every name in it is a column of ours
                f"INSERT INTO {self._table.name} ({', '.join(names)}) SELECT {', '.join(values)}"  # noqa: S608
                f" FROM json_to_recordset(%s::json) AS given ({', '.join(columns)})"
            )
        return self._texts[names]
