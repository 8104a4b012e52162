"""The DfE's Common Transfer File: pupils, and their contacts where they are in it, as XML without a DTD.

Elements are read by name within a pupil, whatever is around them: the order changes with each year's version, and what
we do not know is left out. A file with a DOCTYPE is refused, so that no entity is ever looked at.
"""

import codecs
from typing import Any
from xml.parsers import expat

from app.models.roster.batch import CTF
from app.roster import identifiers as read_as
from app.roster.incoming import CONTACTS, PUPILS, Fault, Faulty, Incoming, Row
from app.roster.sources.notes import Notes

ROOT, PUPIL, CONTACT, ADDRESS = "ctfile", "pupil", "contact", "address"
DEEPEST = 50
LONGEST = 10_000  # characters of one element

_PUPIL = {
    "surname": "family_name",
    "forename": "given_name",
    "middlenames": "middle_names",
    "preferredsurname": "preferred_family_name",
    "preferredforename": "preferred_given_name",
    "email": "email",
}
_CONTACT = {
    "surname": "family_name",
    "forename": "given_name",
    "middlenames": "middle_names",
    "title": "title",
    "email": "email",
}
_LINES = ("saon", "paon", "street", "locality", "town", "administrativearea", "county")
_RELATIONS = {
    **{
        "PAM": "Mother",
        "PAF": "Father",
        "STP": "Step-parent",
        "CAR": "Carer",
        "GRM": "Grandmother",
        "GRF": "Grandfather",
    },
    **{"FAM": "Other family member", "REL": "Other relative", "SWR": "Social worker", "FOS": "Foster parent"},
}


def is_xml(content: bytes) -> bool:
    """Whether its first mark is one of XML, behind a byte order mark or none."""
    start = content[:200]
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        start = start.removeprefix(mark)
    return start.replace(b"\x00", b"").lstrip()[:1] == b"<"


def read(name: str, content: bytes) -> Incoming:
    """One file. Raises Faulty."""
    reader = _Reader(name)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    reader.parser = parser
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError as wrong:
        reason = f"This is not well-formed XML: {expat.ErrorString(wrong.code)}. Export the file again."
        raise Faulty(Fault(name, wrong.lineno, "", reason)) from None
    except (LookupError, ValueError):
        raise Faulty(Fault(name, 1, "", "The encoding that it names is not known. Export the file again.")) from None
    reader.notes.check()
    made = reader.incoming
    made.covers = frozenset({PUPILS} | ({CONTACTS} if made.relations else set()))
    made.forgiven = reader.notes.forgiven
    return made


class _Reader:
    """Follows the elements; a pupil is put together at its end."""

    parser: Any

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes = Notes()
        self.incoming = Incoming(CTF, frozenset())
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._pupil: dict[str, str] = {}
        self._contacts: list[dict[str, str]] = []
        self._began = 0

    def refuse(self, *_: Any) -> None:
        reason = "It has a DOCTYPE, which a Common Transfer File does not. Export it anew from your MIS."
        raise Faulty(Fault(self.name, self.parser.CurrentLineNumber, "", reason))

    def start(self, element: str, _attributes: Any) -> None:
        own = element.rpartition(":")[2].casefold()
        if not self._path and own != ROOT:
            reason = "This XML is not a Common Transfer File: it does not begin with CTfile."
            raise Faulty(Fault(self.name, self.parser.CurrentLineNumber, element[:40], reason))
        if len(self._path) >= DEEPEST:
            raise Faulty(Fault(self.name, self.parser.CurrentLineNumber, element[:40], "Elements are nested too deep."))
        self._path.append(own)
        self._text, self._length = [], 0
        if own == PUPIL:
            self._pupil, self._contacts, self._began = {}, [], self.parser.CurrentLineNumber
        elif own == CONTACT and PUPIL in self._path:
            self._contacts.append({})

    def text(self, told: str) -> None:
        self._length += len(told)
        if self._length > LONGEST:
            reason = f"This element is longer than {LONGEST:,} characters."
            raise Faulty(Fault(self.name, self.parser.CurrentLineNumber, self._path[-1], reason))
        self._text.append(told)

    def end(self, _element: str) -> None:
        own = self._path.pop()
        told, self._text, self._length = read_as.text("".join(self._text)), [], 0
        if own == PUPIL:
            self._add()
        elif PUPIL in self._path and told:
            of = self._contacts[-1] if CONTACT in self._path and self._contacts else self._pupil
            # The first counts: histories, the newest first, repeat their elements.
            of.setdefault(f"{ADDRESS}/{own}" if own in _LINES and self._is_address() else own, told)

    def _is_address(self) -> bool:
        return any(ADDRESS in part for part in self._path)

    def _add(self) -> None:
        told = self._pupil
        for column in ("surname", "forename", "dob"):
            if not told.get(column):
                self.notes.fault(
                    self.name, self._began, column, "A pupil has none. Each needs surname, forename and DOB."
                )
        born = read_as.date(told.get("dob", ""))
        if told.get("dob") and born is None:
            self.notes.fault(self.name, self._began, "DOB", f"‘{told['dob'][:40]}’ is no date.")
        row: Row = {ours: told.get(theirs, "") for theirs, ours in _PUPIL.items()}
        row |= {
            "pupil": True,
            "birth_date": born,
            "sex": read_as.sex(told.get("sex") or told.get("gender", "")),
            "upn": read_as.upn(told.get("upn", "")),
            "former_upn": read_as.upn(told.get("formerupn", "")),
            "uln": read_as.uln(told.get("uln", "")),
            "year": read_as.year(told.get("ncyearactual", "")),
            "year_as_sent": told.get("ncyearactual", ""),
            "sen": read_as.sen(told.get("senprovision") or told.get("senstatus", "")),
            "ethnicity": told.get("ethnicity", "")[:10],
        }
        if fsm := told.get("fsmeligible") or told.get("fsm"):
            row["fsm"] = read_as.yes(fsm)
        row |= _reached(told)
        name = "|".join((row["family_name"], row["given_name"], told.get("dob", ""))).casefold()
        key = f"p:{row['upn']}" if row["upn"] and f"p:{row['upn']}" not in self.incoming.people else f"p:{name}"
        if key in self.incoming.people:
            self.notes.fault(self.name, self._began, "Surname", "An earlier pupil has the same name and date of birth.")
            return
        self.incoming.people[key] = row
        for place, contact in enumerate(self._contacts, 1):
            self._relate(key, place, contact)

    def _relate(self, pupil: str, place: int, told: dict[str, str]) -> None:
        row: Row = {ours: told.get(theirs, "") for theirs, ours in _CONTACT.items()}
        row |= _reached(told)
        if not row["family_name"] and not row["given_name"]:
            self.notes.forgive(self.name, self._began, "Contact", "A contact without a name: left out")
            return
        code = told.get("relationship") or told.get("relation", "")
        words = _RELATIONS.get(code.upper(), code)[:40]
        reached = row["email"].casefold() or row.get("mobile") or row.get("telephone") or pupil
        key = f"c:{row['family_name']}|{row['given_name']}|{reached}".casefold()
        self.incoming.people.setdefault(key, row)["contact_role"] = read_as.contact_role(words or code)
        order = told.get("contactorder") or told.get("order") or told.get("priority", "")
        self.incoming.relations[pupil, key] = {
            "words": words,
            "priority": int(order) if order.isascii() and order.isdigit() and len(order) < 4 else place,
            "responsibility": read_as.yes(told.get("responsibility") or told.get("parentalresponsibility", "")),
            "court_order": bool(read_as.yes(told.get("courtorder", ""))),
        }


def _reached(told: dict[str, str]) -> Row:
    """Address and numbers, where the file has any."""
    lines = [line for name in _LINES if (line := told.get(f"{ADDRESS}/{name}"))]
    found: Row = {"address": "\n".join(lines), "postcode": read_as.postcode(told.get("postcode", ""))}
    found["telephone"] = told.get("phoneno") or told.get("telephone", "")
    found["mobile"] = told.get("mobile") or told.get("mobilephone", "")
    return {name: value for name, value in found.items() if value}
