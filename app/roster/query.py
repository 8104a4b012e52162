"""OneRoster 1.2: limit, offset, sort, orderBy, filter and fields. Strict to read, and never a failure of ours.

Source: 1EdTech OneRoster 1.2 Rostering Service, REST/JSON binding 1.0, "Pagination", "Sorting", "Filtering" and
"Field Selection". Beyond it: more than two comparisons, AND binding closer than OR; metadata by `metadata.UKPRN`.
"""

import dataclasses
import operator
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any
from urllib.parse import urlencode

LIMIT, MOST = 100, 5000
COMPARISONS = 50  # in one filter
_COMPARISON = re.compile(r"\s*([A-Za-z][\w.]*)\s*(!=|>=|<=|=|>|<|~)\s*'(.*?)'(?=\s*$|\s+(?:AND|OR)\s)", re.DOTALL)
_JOINT = re.compile(r"\s+(AND|OR)\s")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "~": operator.contains,
}


class BadQuery(Exception):
    """A query that cannot be served; `code` is OneRoster's imsx_codeMinor."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Comparison:
    """`name~'St'`, its value without case."""

    field: str
    sign: str
    value: str

    def holds(self, record: dict[str, Any]) -> bool:
        """Whether the record's field compares so; of a list, whether one of its items does (with `!=`: all do)."""
        found = _at(record, self.field)
        items = [str(item).casefold() for item in (found if isinstance(found, list) else [found]) if item is not None]
        if self.sign == "!=":
            return self.value not in items
        return any(_COMPARE[self.sign](item, self.value) for item in items)


@dataclasses.dataclass(frozen=True)
class Query:
    """One checked question. `where` is a list of alternatives, each a list of comparisons that must all hold."""

    limit: int = LIMIT
    offset: int = 0
    sort: str = ""
    descending: bool = False
    where: tuple[tuple[Comparison, ...], ...] = ()
    fields: tuple[str, ...] = ()

    def select(self, records: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
        """The asked page of these records (already redacted, in an order of their own), and how many on all pages."""
        found = [
            record
            for record in records
            if not self.where or any(all(one.holds(record) for one in every) for every in self.where)
        ]
        if self.sort:
            found.sort(key=lambda record: _text(_at(record, self.sort)), reverse=self.descending)
        page = found[self.offset : self.offset + self.limit]
        return [self.only(record) for record in page], len(found)

    @property
    def plain(self) -> bool:
        """Whether the order and the number of records are as they come: a page can be cut before they are read."""
        return not self.where and not self.sort

    @property
    def about_changes(self) -> bool:
        """Whether it asks by status or by when something changed: then what is gone is among the records."""
        return any(one.field in ("status", "dateLastModified") for every in self.where for one in every)

    def only(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with nothing but the asked fields, in its own order."""
        if not self.fields:
            return record
        kept = {name: value for name, value in record.items() if name in self.fields}
        inner = {name.partition(".")[2] for name in self.fields if name.startswith("metadata.")}
        if inner and "metadata" not in kept and "metadata" in record:
            kept["metadata"] = {name: value for name, value in record["metadata"].items() if name in inner}
        return kept


def parse(asked: list[tuple[str, str]], known: Collection[str], single: bool = False) -> Query:
    """Read a query string's pairs. `known` are the field names there are for this caller; no other exists.

    A `single` record knows only `fields`. Parameters that OneRoster does not name are ignored, as it says. Raises
    BadQuery.
    """
    given: dict[str, str] = {}
    names = ("fields",) if single else ("limit", "offset", "sort", "orderBy", "filter", "fields")
    for name, value in asked:
        if name in given:
            raise BadQuery("invaliddata", f"{name} is given twice")
        if name in names:
            given[name] = value
    if given.get("orderBy", "asc") not in ("asc", "desc"):
        raise BadQuery("invaliddata", "orderBy is asc or desc")
    sort = given.get("sort", "")
    return Query(
        limit=_number("limit", given.get("limit", str(LIMIT)), 1, MOST),
        offset=_number("offset", given.get("offset", "0"), 0, 10**9),
        sort=sort if sort in known else "",  # "the data is returned in the service provider's default sort order"
        descending=given.get("orderBy") == "desc",
        where=_where(given["filter"], known) if "filter" in given else (),
        fields=_fields(given["fields"], known) if "fields" in given else (),
    )


def links(address: str, asked: list[tuple[str, str]], query: Query, total: int) -> str:
    """The Link header (RFC 8288): next, prev, first and last page of this question, where there are such pages."""
    last = (max(total - 1, 0) // query.limit) * query.limit
    pages = {"first": 0, "last": last}
    if query.offset + query.limit < total:
        pages["next"] = query.offset + query.limit
    if query.offset > 0:
        pages["prev"] = max(0, min(query.offset - query.limit, last))
    kept = [(name, value) for name, value in asked if name not in ("limit", "offset")]
    made = []
    for relation in ("next", "last", "first", "prev"):
        if relation in pages:
            target = urlencode([*kept, ("limit", query.limit), ("offset", pages[relation])])
            made.append(f'<{address}?{target}>; rel="{relation}"')
    return ", ".join(made)


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and least <= int(text) <= most):
        raise BadQuery("invaliddata", f"{name} is a whole number from {least} to {most}")
    return int(text)


def _fields(text: str, known: Collection[str]) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known or ("." in name and not name.startswith("metadata.")):
            raise BadQuery("invalid_selection_field", f"fields: there is no field {_quoted(name)}")
    return names


def _where(text: str, known: Collection[str]) -> tuple[tuple[Comparison, ...], ...]:
    alternatives: list[list[Comparison]] = [[]]
    at = 0
    for _ in range(COMPARISONS):
        found = _COMPARISON.match(text, at)
        if found is None:
            raise BadQuery("invaliddata", "filter: write field, then =, !=, >, >=, <, <= or ~, then 'value' in quotes")
        field, sign, value = found.groups()
        if field not in known:
            raise BadQuery("invalid_filter_field", f"filter: there is no field {_quoted(field)}")
        alternatives[-1].append(Comparison(field, sign, value.casefold()))
        joint = _JOINT.match(text, found.end())
        if joint is None:
            return tuple(tuple(every) for every in alternatives)
        if joint[1] == "OR":
            alternatives.append([])
        at = joint.end()
    raise BadQuery("invaliddata", f"filter: at most {COMPARISONS} comparisons")


def _at(record: dict[str, Any], field: str) -> Any:
    outer, _, inner = field.partition(".")
    found = record.get(outer)
    if not inner:
        return found
    if isinstance(found, list):
        return [one.get(inner) for one in found if isinstance(one, dict)]
    return found.get(inner) if isinstance(found, dict) else None


def _text(value: Any) -> str:
    return "" if value is None else str(value).casefold()


def _quoted(name: str) -> str:
    """A name as a sentence may show it: printable ASCII, not long."""
    return "'" + "".join(mark for mark in name[:40] if " " <= mark <= "~") + "'"
