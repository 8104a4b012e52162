"""The database: SQLite by default, PostgreSQL by one setting; a write unit is one `sessions.begin()`.

SQLite runs in WAL with `synchronous=FULL`. Its write units start with BEGIN IMMEDIATE: with a plain BEGIN two writers
that both read first can both believe they won.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import Session

from app.settings import ROOT, settings

try:
    import fcntl
except ImportError:  # not on Windows, where SQLite's own waiting has to do
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "DatabaseAway",
    "PoolExhausted",
    "Session",
    "driver",
    "engine",
    "is_sqlite",
    "reachable",
    "reads_only",
    "sessions",
    "withdrawn",
]

DatabaseAway = DBAPIError


def _connect(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return _postgresql(url)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        hide_parameters=True,  # an error that is logged would tell them
        connect_args={"check_same_thread": False, "timeout": 15},
    )

    @event.listens_for(made, "connect")
    def _open(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return made


def _postgresql(url: str) -> Engine:
    from psycopg.types.array import ListBinaryDumper  # noqa: PLC0415  (SQLite does without the driver)

    # Last in, first out: a connection keeps the plans of what it ran, so the same few are used.
    made = create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=5,
        pool_use_lifo=True,
    )

    @event.listens_for(made, "connect")
    def _open(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(list, ListBinaryDumper)  # as text, each digest would be escaped

    return made


def _turns(bound: Engine) -> Callable[[], AbstractContextManager[Any]]:
    """Where the writers of one SQLite file queue, of every thread and process.

    Left to SQLite they would sleep, up to a tenth of a second, and look again. The kernel wakes the next one at once,
    and lets go of the lock of a process that died.
    """
    if bound.dialect.name != "sqlite" or not bound.url.database or fcntl is None:
        return nullcontext
    path = f"{bound.url.database}-queue"

    @contextmanager
    def turn() -> Iterator[None]:
        with open(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return turn


class Sessions:
    """Hands out sessions. Leaving `begin()` commits, an exception rolls back; `read()` never writes."""

    def __init__(self, bound: Engine) -> None:
        self.withdrawals = 0
        """How often this process has committed a withdrawal (see `withdrawn`). A cache of what tokens may do notes it
        before it reads the database, and drops everything when it has changed since."""
        self._turn = _turns(bound)
        self._write = bound
        self._read = bound.execution_options(reading=True)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A write unit: all of it happens, or none."""
        with self._turn(), Session(self._write, expire_on_commit=False) as session:
            with session.begin():
                yield session
            if session.info.get("withdrawn"):
                self.withdrawals += 1

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent look at the database that takes no write lock and is rolled back."""
        with Session(self._read, expire_on_commit=False, autoflush=False) as session:
            yield session


@contextmanager
def driver(db: Session) -> Iterator[Any]:
    """A cursor of PostgreSQL's own driver within this unit; what it raises is a DatabaseAway as ever."""
    connection = db.connection()
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor:
            yield cursor
    except engine.dialect.loaded_dbapi.Error as wrong:
        if raw.closed:
            connection.invalidate(wrong)
        raise DBAPIError(None, None, wrong) from wrong


def withdrawn(db: Session) -> None:
    """Say that this write unit takes a right away (ends, pauses, suspends): caches are dropped once it is committed."""
    db.info["withdrawn"] = True


MIGRATION = max(path.name for path in (ROOT / "migrations/versions").glob("*.py")).partition("_")[0]


def revision() -> str | None:
    """The migration that the schema is at; None before the first."""
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def reads_only(session: Session) -> bool:
    """Whether the session is one of `sessions.read()`, so that a note in passing needs a write unit of its own."""
    return bool(session.get_bind().get_execution_options().get("reading", False))


engine = _connect(settings.database_url.get_secret_value())
sessions = Sessions(engine)
is_sqlite = engine.dialect.name == "sqlite"


def reachable() -> bool:
    """Whether the database answers a trivial query now."""
    try:
        with sessions.read() as db:
            db.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return True
