"""Statements that run for every token: put together once, and on PostgreSQL handed to the driver as they are.

SQLAlchemy needs three times as long to pass a statement on as the driver needs to run it. SQLite's driver knows neither
UUIDs nor moments, so there SQLAlchemy goes on converting them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson
from sqlalchemy import Executable, LargeBinary, Table

from app.db import Session, driver, engine, is_sqlite


class Prepared:
    """A statement of SQLAlchemy Core whose text never changes; see `among` for lists of values."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self.text: str = ""
        self.fixed: dict[str, Any] = {}
        if not is_sqlite:
            compiled = cast(Any, statement).compile(engine)
            self.text, self.fixed = str(compiled), dict(compiled.params)

    def rows(self, db: Session, **bound: Any) -> Sequence[Any]:
        """Run it; every row that it gives, its columns by position."""
        if is_sqlite:
            return db.connection().execute(self._statement, bound).all()
        with driver(db) as cursor:
            cursor.execute(self.text, self.fixed | bound)
            return cast(Sequence[Any], cursor.fetchall())


class Rows:
    """Inserting many rows of one table at once; each names the same columns."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._texts: dict[tuple[str, ...], str] = {}

    def add(self, db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        if is_sqlite:
            db.connection().execute(self._table.insert(), rows)
            return
        with driver(db) as cursor:
            cursor.execute(self._text(tuple(rows[0])), {"rows": _json(rows)})

    def add_for(
        self, db: Session, change: Prepared, by: str, rows: Sequence[Mapping[str, Any]], **bound: Any
    ) -> set[Any]:
        """Make a change, and insert the rows whose column `by` is among what it returns: that is returned here too."""
        if is_sqlite:
            won = {row[0] for row in change.rows(db, **bound)}
            if added := [row for row in rows if row[by] in won]:
                self.add(db, added)
            return won
        # One question instead of two: each costs more than what it asks for.
        chosen = f"{_value(by, self._table)} IN (TABLE won)"
        text = f"WITH won AS ({change.text}), added AS ({self._text(tuple(rows[0]))} WHERE {chosen}) TABLE won"
        with driver(db) as cursor:
            cursor.execute(text, change.fixed | bound | {"rows": _json(rows)})
            return {row[0] for row in cursor.fetchall()}

    def _text(self, names: tuple[str, ...]) -> str:
        """One text, one plan and one parameter for any number of rows: they travel as JSON."""
        if names not in self._texts:
            kinds = {name: self._table.c[name].type.compile(engine.dialect) for name in names}
            columns = [f"{name} {'TEXT' if kind == 'BYTEA' else kind}" for name, kind in kinds.items()]
            self._texts[names] = (  # every name in it is a column of ours
                f"INSERT INTO {self._table.name} ({', '.join(names)})"  # noqa: S608
                f" SELECT {', '.join(_value(name, self._table) for name in names)}"
                f" FROM json_to_recordset(%(rows)s::json) AS given ({', '.join(columns)})"
            )
        return self._texts[names]


def _value(name: str, table: Table) -> str:
    return f"decode(given.{name}, 'hex')" if isinstance(table.c[name].type, LargeBinary) else f"given.{name}"


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(rows, default=bytes.hex).decode()
