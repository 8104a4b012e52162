"""The DfE's Common Transfer File: pupils, and their contacts where the file has any. It says nothing of staff.

Elements go by their names, whatever is around them: every year has a new version, and suppliers differ. The names are
those of the DfE's own services and of public programs that read such files; the specification itself is not public.
"""

import datetime as dt
from collections import Counter

from app.models.base import today
from app.models.roster.batch import CTF
from app.models.roster.person import CONTACT_ROLES
from app.roster import identifiers as read_as
from app.roster.incoming import CONTACTS, PUPILS, Fault, Incoming, Row, TooBig
from app.roster.sources.elements import Element, Shape, follow, is_xml
from app.roster.sources.notes import Notes

__all__ = ["is_xml", "read"]

ROOT = "CTfile"
MOST_PEOPLE = 50_000
_PUPIL = {
    "given_name": ("forename", "legalforename"),
    "family_name": ("surname", "legalsurname"),
    "middle_names": ("middlenames",),
    "preferred_given_name": ("preferredforename",),
    "preferred_family_name": ("preferredsurname",),
    "email": ("email",),
    "year_as_sent": ("ncyearactual",),
}
_CONTACT = {
    "title": ("title",),
    "given_name": ("forename",),
    "family_name": ("surname",),
    "middle_names": ("middlenames",),
    "email": ("email",),
}
_OTHER = (
    *("upn", "formerupn", "uniquelearnernumber", "uln", "dob", "sex", "gender", "ethnicity"),
    *("fsmstartdate", "fsmenddate", "fsmeligible", "senprovision", "startdate"),
    *("order", "relationship", "responsibility", "courtorder"),
    *("addressaspupil", "postcode", "telephonetype", "phoneno"),
    *("lea", "estab", "entrydate", "leavingdate", "documentqualifier"),
)
_LINES = ("saon", "paon", "street", "locality", "town", "posttown", "administrativearea", "county")
_NUMBERED = tuple(f"addressline{number}" for number in range(1, 6))
_BLOCKS = ("sourceschool", "school", "fsminstance", "sen", "address", "phone", "contact")
_NAMES = tuple(name for columns in (_PUPIL, _CONTACT) for names in columns.values() for name in names)
_KNOWN = frozenset(_NAMES + _OTHER + _LINES + _NUMBERED + _BLOCKS)
_SKIPPED = frozenset({"stageassessments", "attendance", "senneeds", "nawdetails", "admissions"})
_NEEDED = {"pupil", "given_name", "family_name", "birth_date", "sex", "upn", "year", "year_as_sent", "contact_role"}
_RELATIONS = {
    **{"PAM": "Mother", "PAF": "Father", "STP": "Step-parent", "FOS": "Foster parent", "CAR": "Carer"},
    **{"GRM": "Grandmother", "GRF": "Grandfather", "FAM": "Other family member", "REL": "Other relative"},
    **{"SWR": "Social worker", "DOC": "Doctor", "OTH": "Other contact"},
}


def read(name: str, content: bytes) -> Incoming:
    """One file: the whole school, or those in it alone where it calls itself partial. Raises Faulty or TooBig."""
    file = _File(name)
    records = {"header": file.header, "pupil": file.pupil}
    follow(name, content, Shape(ROOT, records, _KNOWN, _SKIPPED))
    return file.whole()


class _File:
    """Pupils as they come; who is who is decided at the end, when every UPN is known."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._notes = Notes()
        self._on = today()
        self._school = ("", "")
        self._pupils: list[tuple[int, Row, list[tuple[Row, Row]]]] = []
        self._count = 0
        self._incoming = Incoming(CTF, frozenset())

    def header(self, told: Element) -> None:
        self._incoming.is_full = told.said("documentqualifier").casefold() != "partial"
        for source in told.each("sourceschool"):
            self._school = source.said("lea"), source.said("estab")
            number = "".join(self._school)
            # A school that its software does not know is written XXX and XXXX.
            self._incoming.made_at = number if number.isascii() and number.isdigit() and len(number) == 7 else ""

    def pupil(self, told: Element) -> None:
        self._count += 1 + len(told.each("contact"))
        if self._count > MOST_PEOPLE:
            raise TooBig(Fault(self._name, told.line, "Pupil", f"The file tells of more than {MOST_PEOPLE:,} people."))
        row: Row = {"pupil": True}
        row |= {column: told.said(*names) for column, names in _PUPIL.items()}
        row |= {
            "birth_date": self._date(told, "DOB"),
            "sex": read_as.sex(told.said("sex", "gender")),
            "upn": read_as.upn(told.said("upn")),
            "former_upn": read_as.upn(told.said("formerupn")),
            "uln": read_as.uln(told.said("uniquelearnernumber", "uln")),
            "year": read_as.year(row["year_as_sent"]),
            "ethnicity": told.said("ethnicity").upper()[:10],
            "sen": self._sen(told),
            "fsm": self._fsm(told),
        }
        for name in ("given_name", "family_name"):
            if row[f"preferred_{name}"] == row[name]:
                row[f"preferred_{name}"] = ""
        row |= _reached(told) | self._stay(told)
        if not row["given_name"] and not row["family_name"]:
            self._notes.fault(self._name, told.line, "Surname", "This pupil has neither a surname nor a forename.")
        elif not row["upn"] and row["birth_date"] is None:
            reason = "This pupil has neither a UPN nor a date of birth. Give one, so that we know who it is."
            self._notes.fault(self._name, told.line, "UPN", reason)
        elif row["leaves_on"] is not None and row["leaves_on"] < self._on:
            self._incoming.left += 1
        else:
            contacts = (self._contact(row, *each) for each in enumerate(told.each("contact"), 1))
            self._pupils.append((told.line, row, [each for each in contacts if each]))

    def whole(self) -> Incoming:
        if not self._pupils and not self._incoming.left and not self._notes.faults:
            self._notes.fault(self._name, 0, "Pupil", "The file holds no pupils. Choose some when you export it.")
        people = self._incoming.people
        shares = Counter(row["upn"] for _, row, _ in self._pupils)
        for line, row, contacts in self._pupils:
            # Of two with one UPN neither is it, whichever comes first: each must stay who they are.
            key = f"p:{row['upn']}" if shares[row["upn"]] == 1 and row["upn"] else _named(row)
            if key in people and people[key] != row:
                reason = "An earlier pupil has the same name and date of birth. Give each their own UPN."
                self._notes.fault(self._name, line, "Surname", reason)
                continue
            if key in people:
                self._notes.forgive(self._name, line, "Pupil", "A pupil who is listed twice: taken once")
            people[key] = row
            for contact, relation in contacts:
                self._relate(key, contact, relation)
        self._notes.check()
        if any(row["fsm"] is not None for _, row, _ in self._pupils):
            for _, row, _ in self._pupils:
                row["fsm"] = bool(row["fsm"])  # who was never eligible has no history of it
        for kind in ("pupil", "contact_role"):
            _leave_out([row for row in people.values() if row.get(kind)])
        self._incoming.covers = frozenset({PUPILS, CONTACTS} if self._incoming.relations else {PUPILS})
        self._incoming.forgiven = self._notes.forgiven
        return self._incoming

    def _contact(self, pupil: Row, place: int, told: Element) -> tuple[Row, Row] | None:
        """A contact, and who they are to this pupil."""
        row: Row = {column: told.said(*names) for column, names in _CONTACT.items()} | _reached(told)
        if not row["given_name"] and not row["family_name"]:
            self._notes.forgive(self._name, told.line, "Contact", "A contact without a name: left out")
            return None
        at_home = any(read_as.yes(one.said("addressaspupil")) for one in (told, *told.each("address")))
        if at_home and not row["address"]:
            row |= {"address": pupil["address"], "postcode": pupil["postcode"]}
        code, order = told.said("relationship"), told.said("order")
        words = _RELATIONS.get(code.upper(), code)[:40]
        row["contact_role"] = read_as.contact_role(words)
        return row, {
            "words": words,
            "priority": int(order) if order.isascii() and order.isdigit() and len(order) < 4 else place,
            "responsibility": read_as.yes(told.said("responsibility")),
            "court_order": read_as.yes(told.said("courtorder")) or False,
        }

    def _relate(self, pupil: str, contact: Row, relation: Row) -> None:
        """Of the contacts of one name whoever is reached in the same way is one person."""
        reached = contact["email"] or contact["mobile"] or contact["telephone"] or pupil
        key = f"c:{contact['family_name']}|{contact['given_name']}|{reached}".casefold()[:255]
        known = self._incoming.people.setdefault(key, contact)
        known["contact_role"] = min(known["contact_role"], contact["contact_role"], key=CONTACT_ROLES.index)
        before = self._incoming.relations.get((pupil, key))
        court_order = relation["court_order"] or (before is not None and before["court_order"])
        self._incoming.relations[pupil, key] = relation | {"court_order": court_order}

    def _date(self, told: Element, name: str) -> dt.date | None:
        for part in told.each(name.lower()):
            if part.text and (found := read_as.date(part.text)):
                return found
            if part.text:
                self._notes.forgive(self._name, part.line, name, "A date that is not understood: left empty")
        return None

    def _sen(self, told: Element) -> str:
        """The provision of today: of a history, what began last."""
        spans = [(self._date(one, "StartDate") or dt.date.min, one.said("senprovision")) for one in told.each("sen")]
        begun = [span for span in spans if span[1] and span[0] <= self._on]
        return read_as.sen(max(begun, key=lambda span: span[0])[1] if begun else told.said("senprovision"))

    def _fsm(self, told: Element) -> bool | None:
        """Whether eligible for free school meals today; what began and has not ended."""
        spans = [
            (self._date(one, "FSMstartDate") or dt.date.min, self._date(one, "FSMendDate") or dt.date.max)
            for one in told.each("fsminstance")
        ]
        if not spans:
            return read_as.yes(told.said("fsmeligible"))
        return any(begins <= self._on <= ends for begins, ends in spans)

    def _stay(self, told: Element) -> Row:
        """When this pupil came to the school that wrote the file, and leaves it, by the history of schools."""
        stays = [one for one in told.each("school") if (one.said("lea"), one.said("estab")) == self._school]
        dated = [(self._date(one, "EntryDate"), self._date(one, "LeavingDate")) for one in stays if any(self._school)]
        starts, leaves = max(dated, key=lambda stay: stay[0] or dt.date.min, default=(None, None))
        return {"starts_on": starts, "leaves_on": leaves}


def _named(row: Row) -> str:
    return f"p:{row['family_name']}|{row['given_name']}|{row['birth_date'] or ''}".casefold()[:255]


def _reached(told: Element) -> Row:
    """Address and numbers of somebody; of several addresses the first, of several numbers the first of each kind."""
    address = next(iter(told.each("address")), None) or Element("address", 0)
    house = " ".join(part for part in (address.said("paon"), address.said("street")) if part)
    named = (address.said("saon"), house, *(address.said(name) for name in _LINES[3:6]))
    counties = (address.said(name) for name in _LINES[6:])
    lines = dict.fromkeys((*(address.said(name) for name in _NUMBERED), *named, *counties))
    numbers: dict[bool, str] = {}
    for phone in told.each("phone"):
        number, kind = phone.said("phoneno"), phone.said("telephonetype").upper()
        if number:
            numbers.setdefault(kind == "M" or (not kind and number.startswith(("07", "+447"))), number)
    return {
        "address": "\n".join(line for line in lines if line),
        "postcode": read_as.postcode(address.said("postcode")),
        "mobile": numbers.get(True, ""),
        "telephone": numbers.get(False, ""),
    }


def _leave_out(rows: list[Row]) -> None:
    """Take out the columns that nobody in the file has: the school did not export them, and we may know them."""
    silent = {column for row in rows for column in row} - _NEEDED
    silent -= {column for row in rows for column, value in row.items() if value not in ("", None)}
    for row in rows:
        for column in silent & row.keys():
            del row[column]
