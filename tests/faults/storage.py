"""Storage that fails: a transaction that cannot begin, and a driver that fails at whichever call a test names."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app.db import Session, close, engine, engines, is_sqlite, sessions
from app.models import Base
from tests.oauth.dance import refusal

Rows = dict[str, list[str]]

ONCE, FROM_THEN_ON, LOST = "once", "from then on", "the connection is lost"
WAYS = (ONCE, FROM_THEN_ON) if is_sqlite else (ONCE, FROM_THEN_ON, LOST)


def away() -> AbstractContextManager[Session]:
    """A transaction that cannot begin."""
    raise OperationalError("BEGIN", {}, Exception("no connection"))


def is_unavailable(answered: Any) -> bool:
    assert refusal(answered) == (503, "temporarily_unavailable")
    return bool(answered.headers["retry-after"])


def rows() -> Rows:
    """Everything that is stored; ids that were spent count for nothing, for whoever signs, signs anew for each call."""
    with sessions.read() as db:
        return {
            table.name: sorted(repr(row) for row in db.execute(table.select()))
            for table in Base.metadata.sorted_tables
            if table.name != "spent_id"
        }


class Failing:
    """Counts what the driver is asked to do, commits included, and fails the n-th of it."""

    def __init__(self) -> None:
        self.has_failed = False
        self._calls, self._nth, self._way = 0, 0, ONCE

    @contextmanager
    def at(self, nth: int, way: str) -> Iterator[None]:
        self._calls, self._nth, self._way, self.has_failed = 0, nth, way, False
        try:
            yield
        finally:
            self._nth = 0

    def called(self, connection: Any) -> None:
        """Raises the driver's own error."""
        if not self._nth:
            return
        self._calls += 1
        if self._calls == self._nth or (self._calls > self._nth and self._way == FROM_THEN_ON):
            self.has_failed = True
            if self._way == LOST:
                connection.close()
            raise engine.dialect.loaded_dbapi.OperationalError("disk I/O error")


@contextmanager
def failing() -> Iterator[Failing]:
    """Every connection of this process tells before each of its calls."""
    failure = Failing()
    commits = engine.dialect.do_commit

    def commit(connection: Any) -> None:
        failure.called(getattr(connection, "driver_connection", connection))
        commits(connection)

    for each in engines:
        each.dialect.do_commit = commit  # type: ignore[method-assign, assignment]
    try:
        with _statements_of_sqlite(failure) if is_sqlite else _statements_of_postgresql(failure):
            yield failure
    finally:
        for each in engines:
            del each.dialect.do_commit


@contextmanager
def _statements_of_sqlite(failure: Failing) -> Iterator[None]:
    names = ("do_execute", "do_executemany", "do_execute_no_params")

    def called(cursor: Any, *_: Any) -> None:
        failure.called(cursor.connection)

    for name in names:
        event.listen(engine, name, called)
    try:
        yield
    finally:
        for name in names:
            event.remove(engine, name, called)


@contextmanager
def _statements_of_postgresql(failure: Failing) -> Iterator[None]:
    """Below SQLAlchemy, which is not asked for every statement (`app/models/prepared.py`)."""
    from psycopg import Cursor

    class Telling(Cursor[Any]):
        def execute(self, query: Any, *more: Any, **named: Any) -> Any:
            if query != engine.dialect._dialect_specific_select_one:  # type: ignore[attr-defined]
                failure.called(self.connection)
            return super().execute(query, *more, **named)

        def executemany(self, *given: Any, **named: Any) -> None:
            failure.called(self.connection)
            super().executemany(*given, **named)

        def copy(self, *given: Any, **named: Any) -> Any:
            failure.called(self.connection)
            return super().copy(*given, **named)

    def tells(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.cursor_factory = Telling

    for each in engines:
        event.listen(each, "checkout", tells)
    try:
        yield
    finally:
        for each in engines:
            event.remove(each, "checkout", tells)
        close()
