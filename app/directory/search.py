"""Finding a school: by postcode, LA/DfE number, URN, name or town, whichever field it was typed into."""

from dataclasses import dataclass, field

from app.db import Session
from app.directory.names import ranked
from app.directory.typed import CHOICES, DfeNumber, Meaning, Name, Postcode, Urn, meanings, tidy
from app.models.establishment import Establishment, EstablishmentLink

PAGE = 20
DEEPEST = 10  # steps from a school to its successors; the register's own chains end after four


@dataclass
class Results:
    """A page of what was found. `searched` says in words for what; `understood` is a sentence where that is not what
    the chosen field asks for; `is_exact`: found by a whole number or postcode; `twins` are URNs of rows that share
    their name with another open school nearby."""

    rows: list[Establishment] = field(default_factory=list)
    total: int = 0
    page: int = 1
    searched: str = ""
    understood: str = ""
    is_exact: bool = False
    twins: set[int] = field(default_factory=set)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def find(db: Session, by: str, q: str, page: int = 1) -> Results:
    """Look for `q`, as what `by` says (postcode, dfe, urn, name) or as what it more likely is. Never raises."""
    by = by if by in CHOICES.values() else "name"
    possible = meanings(by, tidy(q))
    for meaning in possible:
        found = _look_up(db, meaning, page)
        if found.total:
            break
    else:
        return Results(searched=possible[0].shown if possible else "")
    found.searched = meaning.shown
    found.is_exact = _is_exact(meaning)
    if CHOICES[type(meaning)] != by or meaning[0] != possible[0][0]:
        found.understood = f"We searched for {meaning.shown}. {found.understood}".strip()
    found.twins = Establishment.namesakes(db, found.rows)
    return found


def _look_up(db: Session, meaning: Meaning, page: int) -> Results:
    remark = ""
    match meaning:
        case Postcode(length=length):
            urns = Establishment.at_postcodes(db, *meaning.range, length)
        case DfeNumber(la_code, number):
            urns = Establishment.with_dfe_number(db, la_code, number)
        case Urn(urn):
            urns = [urn]
        case Name(text):
            urns, remark = ranked(db, text)
    page = max(1, min(page, -(-len(urns) // PAGE)))
    rows = Establishment.by_urns(db, urns[(page - 1) * PAGE : page * PAGE])
    return Results(rows, len(urns) if rows else 0, page, understood=remark)


def _is_exact(meaning: Meaning) -> bool:
    if isinstance(meaning, Postcode):
        return meaning.length == len(meaning.key)
    return not isinstance(meaning, Name)


def successors(db: Session, urn: int) -> list[Establishment]:
    """Who took over from a closed school: those that have not closed since, the open and newest first; if all have,
    those at the end of the chain.

    Several where it was split. Follows links that only one side has, and through URNs that the register lacks; stops
    at circles.
    """
    seen, front = {urn}, {urn}
    alive: list[Establishment] = []
    last: list[Establishment] = []
    records: dict[int, Establishment] = {}
    for _ in range(DEEPEST):
        after = EstablishmentLink.following(db, front)
        last += [records[one] for one in front if one in records and not after.get(one)]
        new = {one for ones in after.values() for one in ones} - seen
        if not new:
            break
        seen |= new
        records = {record.urn: record for record in Establishment.by_urns(db, sorted(new))}
        alive += [record for record in records.values() if not record.is_closed]
        front = {one for one in new if one not in records or records[one].is_closed}
    return sorted(alive or last, key=_open_and_newest, reverse=True)


def predecessors(db: Session, urn: int) -> list[Establishment]:
    """Whom a school took over from directly, the open and newest first. One that the register lacks is passed over."""
    seen, front = {urn}, {urn}
    found: list[Establishment] = []
    for _ in range(DEEPEST):
        new = {one for ones in EstablishmentLink.preceding(db, front).values() for one in ones} - seen
        if not new:
            break
        seen |= new
        records = Establishment.by_urns(db, sorted(new))
        found += records
        front = new - {record.urn for record in records}
    return sorted(found, key=_open_and_newest, reverse=True)


def _open_and_newest(record: Establishment) -> tuple[bool, bool, str, int]:
    return record.is_open, not record.is_closed, str(record.open_date or ""), record.urn
