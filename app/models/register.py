"""The register in bulk: what an import reads and writes, and the index that finds names, in both dialects.

Rows travel as plain tuples, in the order of the column names given, with dates as ISO text: objects would cost more
than the whole import may.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Date, TextClause, bindparam, select, text
from sqlalchemy.engine import Connection

from app.db import Session, is_sqlite
from app.models.establishment import (
    INDEXED,
    Establishment,
    EstablishmentGroup,
    EstablishmentLink,
    EstablishmentWord,
    RegisterImport,
)

_DATES = {
    column.name
    for noun in (Establishment, EstablishmentLink, EstablishmentGroup)
    for column in noun.__table__.columns
    if isinstance(column.type, Date)
}


class Candidate(NamedTuple):
    """An establishment that a search for names looks at: `text` is a blank, its name and place, plainly spelled."""

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


def stored(db: Session, columns: Sequence[str], urns: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    """The rows of these URNs, by URN."""
    if not urns:
        return {}
    shown = ", ".join(f"CAST({name} AS TEXT)" if name in _DATES else name for name in columns)
    found = text(f"SELECT urn, {shown} FROM establishment WHERE urn IN :urns")  # noqa: S608 - our own column names
    rows = db.execute(found.bindparams(bindparam("urns", urns, expanding=True)))
    return {row[0]: tuple(row[1:]) for row in rows}


def write(db: Session, columns: Sequence[str], batches: Iterable[list[tuple[Any, ...]]]) -> None:
    """Add these rows or replace what they were, and index their names. The first column is `urn`."""
    connection = db.connection()
    if is_sqlite:
        _write_sqlite(connection, columns, batches)
    else:
        _write_postgresql(connection, columns, batches)


def _write_sqlite(connection: Connection, columns: Sequence[str], batches: Iterable[list[tuple[Any, ...]]]) -> None:
    upsert = _upsert(columns, f"VALUES ({', '.join('?' * len(columns))})")
    connection.exec_driver_sql("PRAGMA cache_size = -16000")  # so many pages change that 2 MB would spill
    urns: list[int] = []
    for rows in filter(None, batches):
        connection.exec_driver_sql(upsert, rows)
        urns += [row[0] for row in rows]
    connection.exec_driver_sql(INDEXED, (json.dumps(urns),))  # at once: the index merges what each statement adds
    connection.exec_driver_sql("PRAGMA cache_size = -2000")


def _write_postgresql(connection: Connection, columns: Sequence[str], batches: Iterable[list[tuple[Any, ...]]]) -> None:
    connection.execute(text("CREATE TEMP TABLE staged (LIKE establishment) ON COMMIT DROP"))
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY staged ({', '.join(columns)}) FROM STDIN") as copy:
        for rows in batches:
            for row in rows:
                copy.write_row(row)
    connection.execute(text(_upsert(columns, f"SELECT {', '.join(columns)} FROM staged")))  # noqa: S608
    connection.execute(text("ANALYZE establishment"))
    connection.execute(  # else searches read what is pending, and the planner prefers a scan, until the next vacuum
        text("SELECT gin_clean_pending_list(to_regclass('establishment_search_idx'))")
    )


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


def swap_links(db: Session, wanted: set[tuple[Any, ...]]) -> tuple[int, int]:
    """Make these the links that there are; how many rows went in and out."""
    return _swap(db, EstablishmentLink, wanted, keys=3)


def groups(db: Session) -> set[tuple[Any, ...]]:
    """Every membership of a group, as (urn, group_uid, name, type_name, status, joined_date)."""
    return _all(db, EstablishmentGroup)


def swap_groups(db: Session, wanted: set[tuple[Any, ...]]) -> tuple[int, int]:
    """Make these the memberships that there are; how many rows went in and out."""
    return _swap(db, EstablishmentGroup, wanted, keys=2)


def _all(db: Session, noun: type[EstablishmentLink] | type[EstablishmentGroup]) -> set[tuple[Any, ...]]:
    shown = ", ".join(f"CAST({name} AS TEXT)" if name in _DATES else name for name in _columns(noun))
    return {tuple(row) for row in db.execute(text(f"SELECT {shown} FROM {noun.__tablename__}"))}  # noqa: S608


def _swap(
    db: Session, noun: type[EstablishmentLink] | type[EstablishmentGroup], wanted: set[tuple[Any, ...]], keys: int
) -> tuple[int, int]:
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
    return len(new), len(gone)


def _columns(noun: type[EstablishmentLink] | type[EstablishmentGroup]) -> list[str]:
    return [column.name for column in noun.__table__.columns]


def newest_import(db: Session) -> Any:
    """What changes whenever the register does; None before the first import."""
    return db.scalar(select(RegisterImport.id).order_by(RegisterImport.imported_at.desc()).limit(1))


def named(db: Session, groups: Sequence[Sequence[str]], most: int) -> list[Candidate]:
    """Those whose name and place have, for each group of parts, one of them; open ones and high URNs first.

    A part has three characters or more, of a-z, 0-9 and the blank: words stand between blanks, the first too.
    """
    if is_sqlite:
        return _named_sqlite(db, groups, most)
    name = "' ' || e.name_key || ' ' || e.place_key"
    has = " AND ".join(f"({name}) ~ :group{at}" for at in range(len(groups)))
    given = {f"group{at}": "|".join(group) for at, group in enumerate(groups)}  # one pattern: the index knows them
    found = text(
        f"SELECT e.urn, {name}, e.status_code, CAST(e.open_date AS TEXT) FROM establishment e WHERE {has}"  # noqa: S608
        " ORDER BY e.status_code IN ('1', '3') DESC, e.urn DESC LIMIT :most"
    )
    return _candidates(db, found, given | {"most": most})


def _named_sqlite(db: Session, groups: Sequence[Sequence[str]], most: int) -> list[Candidate]:
    """The index gives those that have all pieces, from the highest URN down; it keeps no order of pieces, so what it
    gives is looked at again. The open ones come first, so that closed ones cannot crowd them out."""
    match = " AND ".join("(" + " OR ".join(map(_pieces, group)) + ")" for group in groups)
    given = {f"part{at}_{i}": part for at, group in enumerate(groups) for i, part in enumerate(group)}
    has = " AND ".join(
        "(" + " OR ".join(f"instr(s.text, :part{at}_{i})" for i in range(len(group))) + ")"
        for at, group in enumerate(groups)
    )
    found = text(
        "SELECT s.rowid, s.text, e.status_code, e.open_date"  # noqa: S608
        " FROM establishment_search s CROSS JOIN establishment e ON e.urn = s.rowid"
        f" WHERE s.establishment_search MATCH :match AND {has} ORDER BY s.rowid DESC LIMIT :most"
    )
    rows = _candidates(db, found, given | {"match": f'{match} AND "+++"', "most": most})
    if len(rows) < most:
        rows += _candidates(db, found, given | {"match": f'{match} NOT "+++"', "most": most - len(rows)})
    return rows


def _candidates(db: Session, found: TextClause, given: Mapping[str, object]) -> list[Candidate]:
    return [Candidate(urn, held, status, opened or "") for urn, held, status, opened in db.execute(found, given)]


def _pieces(part: str) -> str:
    """Trigrams of a part that overlap by one character: as selective as all of them, and half the work."""
    last = len(part) - 3
    return "(" + " AND ".join(f'"{part[at : at + 3]}"' for at in sorted({*range(0, last, 2), last})) + ")"
