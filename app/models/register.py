"""The register in bulk: what an import reads and writes, and the index that finds names, in both dialects.

Rows travel as plain lists, in the order of the column names given, with dates as ISO text: objects would cost more
than the whole import may.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Date, bindparam, select, text
from sqlalchemy.engine import Connection

from app.db import Session, is_sqlite
from app.models.establishment import (
    MAY_REGISTER,
    Establishment,
    EstablishmentGroup,
    EstablishmentLink,
    EstablishmentWord,
    RegisterImport,
    indexed,
)

_DATES = {
    column.name
    for noun in (Establishment, EstablishmentLink, EstablishmentGroup)
    for column in noun.__table__.columns
    if isinstance(column.type, Date)
}


class Candidate(NamedTuple):
    """An establishment that a search for names looks at: `text` is its name and place, plainly spelled."""

    urn: int
    text: str
    status_code: str
    open_date: str


def lock(db: Session) -> None:
    """Let one import write at a time, until this transaction ends; readers are not disturbed."""
    if not is_sqlite:  # SQLite has one writer anyway
        db.execute(text("LOCK TABLE register_import IN SHARE ROW EXCLUSIVE MODE"))


def digests(db: Session) -> dict[int, bytes]:
    """What every establishment's record looked like when it was last read, by URN."""
    found = db.connection().exec_driver_sql("SELECT urn, digest FROM establishment")
    return {urn: bytes(digest) for urn, digest in found}


def stored(db: Session, columns: Sequence[str], urns: Sequence[int]) -> dict[int, list[Any]]:
    """The rows of these URNs, by URN."""
    shown = ", ".join(f"CAST({name} AS TEXT)" if name in _DATES else name for name in columns)
    found = text(f"SELECT urn, {shown} FROM establishment WHERE urn IN :urns")  # noqa: S608 - our own column names
    rows = db.execute(found.bindparams(bindparam("urns", urns, expanding=True)))
    return {row[0]: list(row[1:]) for row in rows}


def write(db: Session, columns: Sequence[str], batches: Iterable[list[list[Any]]]) -> None:
    """Add these rows or replace what they were, and index their names. The first column is `urn`."""
    connection = db.connection()
    if is_sqlite:
        _write_sqlite(connection, columns, batches)
    else:
        _write_postgresql(connection, columns, batches)


def _write_sqlite(connection: Connection, columns: Sequence[str], batches: Iterable[list[list[Any]]]) -> None:
    values = f"VALUES ({', '.join('?' * len(columns))})"
    status, name_key, place_key = (columns.index(name) for name in ("status_code", "name_key", "place_key"))
    for rows in batches:
        connection.exec_driver_sql(_upsert(columns, values), list(map(tuple, rows)))
        connection.exec_driver_sql(
            "INSERT OR REPLACE INTO establishment_search (rowid, text) VALUES (?, ?)",
            [(row[0], indexed(row[name_key], row[place_key], row[status])) for row in rows],
        )


def _write_postgresql(connection: Connection, columns: Sequence[str], batches: Iterable[list[list[Any]]]) -> None:
    connection.execute(text("CREATE TEMP TABLE staged (LIKE establishment) ON COMMIT DROP"))
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY staged ({', '.join(columns)}) FROM STDIN") as copy:
        for rows in batches:
            for row in rows:
                copy.write_row(row)
    connection.execute(text(_upsert(columns, f"SELECT {', '.join(columns)} FROM staged")))  # noqa: S608
    connection.execute(text("ANALYZE establishment"))


def _upsert(columns: Sequence[str], source: str) -> str:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    return f"INSERT INTO establishment ({', '.join(columns)}) {source} ON CONFLICT (urn) DO UPDATE SET {changes}"


def add_words(db: Session, words: Iterable[str]) -> None:
    """Remember these words of names and places; those known already stay."""
    connection = db.connection()
    mark = "?" if is_sqlite else "%s"
    known = "INSERT INTO establishment_word (word) VALUES ({}) ON CONFLICT DO NOTHING"
    rows = [(word,) for word in sorted(words)]
    if rows:
        connection.exec_driver_sql(known.format(mark), rows)


def words(db: Session) -> list[str]:
    """Every word of a name or place in the register."""
    return list(db.scalars(select(EstablishmentWord.word)))


def links(db: Session) -> set[tuple[Any, ...]]:
    """Every link, as (urn, link_urn, link_type, link_name, established_date)."""
    return _all(db, EstablishmentLink)


def swap_links(db: Session, wanted: set[tuple[Any, ...]]) -> None:
    """Make these the links that there are."""
    _swap(db, EstablishmentLink, wanted, keys=3)


def groups(db: Session) -> set[tuple[Any, ...]]:
    """Every membership of a group, as (urn, group_uid, name, type_name, status, joined_date)."""
    return _all(db, EstablishmentGroup)


def swap_groups(db: Session, wanted: set[tuple[Any, ...]]) -> None:
    """Make these the memberships that there are."""
    _swap(db, EstablishmentGroup, wanted, keys=2)


def _all(db: Session, noun: type[EstablishmentLink] | type[EstablishmentGroup]) -> set[tuple[Any, ...]]:
    shown = ", ".join(f"CAST({name} AS TEXT)" if name in _DATES else name for name in _columns(noun))
    return {tuple(row) for row in db.execute(text(f"SELECT {shown} FROM {noun.__tablename__}"))}  # noqa: S608


def _swap(
    db: Session, noun: type[EstablishmentLink] | type[EstablishmentGroup], wanted: set[tuple[Any, ...]], keys: int
) -> None:
    """The first `keys` columns are the key."""
    connection, held = db.connection(), _all(db, noun)
    mark = "?" if is_sqlite else "%s"
    columns = _columns(noun)
    if gone := [row[:keys] for row in held - wanted]:
        key = " AND ".join(f"{name} = {mark}" for name in columns[:keys])
        connection.exec_driver_sql(f"DELETE FROM {noun.__tablename__} WHERE {key}", gone)  # noqa: S608
    if new := list(wanted - held):
        values = ", ".join([mark] * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {noun.__tablename__} VALUES ({values})", new)  # noqa: S608


def _columns(noun: type[EstablishmentLink] | type[EstablishmentGroup]) -> list[str]:
    return [column.name for column in noun.__table__.columns]


def newest_import(db: Session) -> Any:
    """What changes whenever the register does; None before the first import."""
    return db.scalar(select(RegisterImport.id).order_by(RegisterImport.imported_at.desc()).limit(1))


def named(db: Session, alternatives: Sequence[Sequence[str]], most: int) -> list[Candidate]:
    """Those whose name or place has, for each group of words, one of them as a part; open and newest URNs first.

    A word has three characters or more, of a-z and 0-9. On SQLite some rows may have only the pieces of a word.
    """
    if is_sqlite:
        return _named_sqlite(db, alternatives, most)
    name = "(e.name_key || ' ' || e.place_key)"
    marks = [[f"w{at}_{i}" for i in range(len(group))] for at, group in enumerate(alternatives)]
    has = " AND ".join("(" + " OR ".join(f"{name} LIKE :{mark}" for mark in group) + ")" for group in marks)
    given = {
        mark: f"%{word}%"
        for group, names in zip(alternatives, marks, strict=True)
        for word, mark in zip(group, names, strict=True)
    }
    found = text(
        f"SELECT e.urn, {name}, e.status_code, CAST(e.open_date AS TEXT) FROM establishment e"  # noqa: S608
        f" WHERE {has} ORDER BY e.status_code IN ('1', '3') DESC, e.urn DESC LIMIT :most"
    )
    return [
        Candidate(urn, held, status, opened or "")
        for urn, held, status, opened in db.execute(found, given | {"most": most})
    ]


def _named_sqlite(db: Session, alternatives: Sequence[Sequence[str]], most: int) -> list[Candidate]:
    """Two looks, each from the newest URN down, so that open establishments are not crowded out by closed ones."""
    match = " AND ".join("(" + " OR ".join(map(_pieces, group)) + ")" for group in alternatives)
    found = text(
        "SELECT s.rowid, s.text, e.status_code, e.open_date FROM establishment_search s"
        " CROSS JOIN establishment e ON e.urn = s.rowid"
        " WHERE s.establishment_search MATCH :match ORDER BY s.rowid DESC LIMIT :most"
    )
    rows = list(db.execute(found, {"match": f'{match} AND "+++"', "most": most}))
    if len(rows) < most:
        rows += db.execute(found, {"match": f'{match} NOT "+++"', "most": most - len(rows)})
    return [Candidate(urn, held, status, opened or "") for urn, held, status, opened in rows]


def _pieces(word: str) -> str:
    return "(" + " AND ".join(f'"{word[at : at + 3]}"' for at in range(len(word) - 2)) + ")"


def beginning(db: Session, start: str, most: int) -> list[Candidate]:
    """Those whose plainly spelled name begins so."""
    columns = (
        Establishment.urn,
        Establishment.name_key + " " + Establishment.place_key,
        Establishment.status_code,
        Establishment.open_date,
    )
    found = (
        select(*columns)
        .where(Establishment.name_key >= start, Establishment.name_key < start[:-1] + chr(ord(start[-1]) + 1))
        .order_by(Establishment.status_code.in_(MAY_REGISTER).desc(), Establishment.urn.desc())
        .limit(most)
    )
    return [Candidate(urn, held, status, str(opened or "")) for urn, held, status, opened in db.execute(found)]
