"""A small school's roster, written row by row: who is in it is said where it is used."""

import datetime as dt
import hashlib
import uuid
from typing import Any

from app.db import Session
from app.models.base import now
from app.models.roster.exclusion import Exclusion
from app.models.roster.group import STUDENT, AcademicSession, Course, Enrolment, Group
from app.models.roster.head import Roster
from app.models.roster.person import Person, Relation

Row = dict[str, Any]


class SmallRoster:
    """Adds rows to one school's roster within a write unit."""

    def __init__(self, db: Session, school_id: uuid.UUID) -> None:
        self._db, self._school = db, school_id
        self.number = Roster.next_number(db, school_id)
        self._made = 0

    def _stamp(self, columns: Row) -> Row:
        self._made += 1
        at = now() - dt.timedelta(hours=1)
        key = f"{self.number}-{self._made}"
        usual: Row = {
            "school_id": self._school,
            "source_key": key,
            "digest": hashlib.md5(key.encode()).digest(),
            "number": self.number,
            "changed_at": at,
            "arrived_at": at,
        }
        return usual | columns

    def _add(self, row: Any) -> Any:
        self._db.add(row)
        self._db.flush()
        return row

    def pupil(self, name: str, year: str = "7", **columns: Any) -> int:
        given, _, family = name.partition(" ")
        usual = {"pupil": True, "given_name": given, "family_name": family or "Pupil", "year": year}
        return int(self._add(Person(**self._stamp(usual | columns))).id)

    def staff(self, name: str, role: str = "teacher", **columns: Any) -> int:
        given, _, family = name.partition(" ")
        usual = {"staff_role": role, "given_name": given, "family_name": family or "Staff"}
        return int(self._add(Person(**self._stamp(usual | columns))).id)

    def contact(self, name: str, *pupils: int, court_order: bool = False, **columns: Any) -> int:
        given, _, family = name.partition(" ")
        usual = {"contact_role": "parent", "given_name": given, "family_name": family or "Contact"}
        own = int(self._add(Person(**self._stamp(usual | columns))).id)
        for pupil in pupils:
            self.relation(pupil, own, court_order=court_order)
        return own

    def relation(self, pupil: int, contact: int, court_order: bool = False) -> None:
        row = {"pupil_id": pupil, "contact_id": contact, "words": "Mother", "priority": 1, "responsibility": True}
        shared = {"school_id": self._school, "number": self.number, "changed_at": now(), "court_order": court_order}
        self._add(Relation(**row, **shared))

    def group(self, title: str, *pupils: int, teachers: tuple[int, ...] = (), **columns: Any) -> int:
        course = self._add(Course(**self._stamp({"title": title})))
        made = self._add(Group(**self._stamp({"title": title, "course_id": course.id} | columns)))
        for person in pupils:
            self._add(Enrolment(**self._stamp({"group_id": made.id, "person_id": person, "role": STUDENT})))
        for person in teachers:
            self._add(Enrolment(**self._stamp({"group_id": made.id, "person_id": person, "role": "teacher"})))
        return int(made.id)

    def session(self, title: str, kind: str, **columns: Any) -> int:
        usual = {"title": title, "kind": kind, "school_year": 2027}
        days = {"starts_on": dt.date(2026, 9, 1), "ends_on": dt.date(2027, 7, 21)}
        return int(self._add(AcademicSession(**self._stamp(usual | days | columns))).id)

    def edit(self, table: type[Any], column: str, value: str, **changes: Any) -> None:
        """Change the one row whose column has this value."""
        row = self._db.query(table).filter_by(school_id=self._school, **{column: value}).one()
        for name, new in changes.items():
            setattr(row, name, new)
        self._db.flush()

    def exclude(self, person: int, by: uuid.UUID, app_id: uuid.UUID | None = None, **columns: Any) -> None:
        row = {"school_id": self._school, "person_id": person, "app_id": app_id, "reason": "protected", "made_by": by}
        self._add(Exclusion(**row | columns))
