"""The database: SQLite by default, PostgreSQL by one setting; a write unit is one `sessions.begin()`.

SQLite runs in WAL with `synchronous=FULL`. Its write units start with BEGIN IMMEDIATE: with a plain BEGIN two writers
that both read first can both believe they won.
"""

import select
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, DisconnectionError
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
    "close",
    "confines",
    "driver",
    "engine",
    "engines",
    "is_sqlite",
    "reachable",
    "reads_only",
    "sessions",
    "withdrawn",
]

DatabaseAway = DBAPIError


def _sqlite(url: str) -> Engine:
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


def _postgresql(url: str, plans: str) -> Engine:
    from app.arrays import ArrayDumper  # noqa: PLC0415  (SQLite does without the driver)

    made = create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        pool_timeout=5,
        pool_use_lifo=True,  # a connection keeps the plans of what it ran, so the same few are used
        hide_parameters=True,  # an error that is logged would tell them
        connect_args={"options": f"-c plan_cache_mode={plans}"},
    )

    @event.listens_for(made, "connect")
    def _open(connection: Any, _record: Any) -> None:
        connection.adapters.register_dumper(list, ArrayDumper)

    @event.listens_for(made, "checkout")
    def _look(connection: Any, _record: Any, _proxy: Any) -> None:
        # A server that went away has closed the socket, which makes it readable: to see that, nothing need be sent.
        if select.select([connection.fileno()], [], [], 0)[0]:
            raise DisconnectionError

    return made


def _turns(bound: Engine) -> Callable[[], AbstractContextManager[Any]]:
    """Where the writers of one SQLite file queue, of every thread and process.

    Left to SQLite they would sleep, up to a tenth of a second, and look again. The kernel wakes the next one at once,
    and lets go of the lock of a process that died.
    """
    if bound.dialect.name != "sqlite" or not bound.url.database or fcntl is None:
        return nullcontext
    path, held = f"{bound.url.database}-queue", threading.local()

    @contextmanager
    def turn() -> Iterator[None]:
        if getattr(held, "now", False):
            raise RuntimeError("a write unit within a write unit would wait for itself")
        with open(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            held.now = True
            try:
                yield
            finally:
                held.now = False

    return turn


class Sessions:
    """Hands out sessions. Leaving `begin()` commits, an exception rolls back; `read()` never writes."""

    def __init__(self, bound: Engine, groups: Engine) -> None:
        self.withdrawals = 0
        """How often this process has committed a withdrawal (see `withdrawn`). A cache of what tokens may do notes it
        before it reads the database, and drops everything when it has changed since."""
        self._turn = _turns(bound)
        self._bound, self._groups = bound, groups
        self._reading = bound.execution_options(reading=True)
        # In SQLite every look is of one moment; PostgreSQL is asked for it.
        one_moment = {} if bound.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reading_roster = bound.execution_options(reading=True, **one_moment)
        # One question at a time: on PostgreSQL, BEGIN and ROLLBACK around each would take as long as the question.
        alone = {} if bound.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._groups_reading = groups.execution_options(reading=True, **alone)

    def begin(self, school: uuid.UUID | None = None) -> AbstractContextManager[Session]:
        """A write unit: all of it happens, or none. With a school, it may touch that school's roster, and no other."""
        return self._begin(self._bound, school)

    def begin_group(self) -> AbstractContextManager[Session]:
        """A write unit of many callers, whose statements are always the same (see `app/batch.py`)."""
        return self._begin(self._groups)

    def read(self, school: uuid.UUID | None = None) -> AbstractContextManager[Session]:
        """A consistent look at the database that takes no write lock and is rolled back.

        With a school it may see that school's roster, and all of its questions are answered as of one moment.
        """
        return self._look(self._reading if school is None else self._reading_roster, school)

    def read_group(self) -> AbstractContextManager[Session]:
        """A look of many callers, each of its statements for itself."""
        return self._look(self._groups_reading)

    @contextmanager
    def _begin(self, bound: Engine, school: uuid.UUID | None = None) -> Iterator[Session]:
        with self._turn(), Session(bound, expire_on_commit=False) as session:
            with session.begin():
                _confine(session, school)
                yield session
            if session.info.get("withdrawn"):
                self.withdrawals += 1

    @staticmethod
    @contextmanager
    def _look(bound: Engine, school: uuid.UUID | None = None) -> Iterator[Session]:
        with Session(bound, expire_on_commit=False, autoflush=False) as session:
            _confine(session, school)
            yield session


def _confine(session: Session, school: uuid.UUID | None) -> None:
    """Let PostgreSQL's row-level security open this school's roster until the transaction ends (see ADR 23)."""
    if school is not None and not is_sqlite:
        session.execute(text("SELECT set_config('gatehouse.school', :school, true)"), {"school": str(school)})


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


_url = settings.database_url.get_secret_value()
is_sqlite = _url.startswith("sqlite")
engine = _sqlite(_url) if is_sqlite else _postgresql(_url, "auto")
# What runs for groups is planned once: for a few digests PostgreSQL would go on planning longer than it then searches.
_groups = engine if is_sqlite else _postgresql(_url, "force_generic_plan")
sessions = Sessions(engine, _groups)
engines = {engine, _groups}


def close() -> None:
    """Give every connection back."""
    for each in engines:
        each.dispose()


def confines() -> bool:
    """Whether row-level security binds the user that we connect as: no superuser, nobody who bypasses it."""
    if is_sqlite:
        return True  # which has none
    with sessions.read() as db:
        free = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        return not db.execute(free).scalar_one()


def reachable() -> bool:
    """Whether the database answers a trivial query now."""
    try:
        with sessions.read() as db:
            db.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return True
