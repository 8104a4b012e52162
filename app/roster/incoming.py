"""What a source says, in our words, before anybody asks how it differs from what is there.

Every source (`app/roster/sources`) turns files into one Incoming or raises Faulty; intake knows nothing of formats.
"""

import dataclasses
from typing import Any

from app.errors import Problem

PUPILS, STAFF, CONTACTS, GROUPS = "pupils", "staff", "contacts", "groups"
COVERED = (PUPILS, STAFF, CONTACTS, GROUPS)

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at one place of a file. `line` counts from 1, the heading line included; 0 is the whole file."""

    file: str
    line: int
    column: str
    reason: str


class Faulty(Problem):
    """The content cannot be taken in. `faults` says why, place by place."""

    status = 422
    title = "The file cannot be taken in"

    def __init__(self, *faults: Fault) -> None:
        first = faults[0]
        where = first.file + (f", line {first.line}" if first.line else "")
        super().__init__(f"{where}: {first.reason}")
        self.faults = faults


class TooBig(Faulty):
    """More than we unpack or read."""

    status = 413


@dataclasses.dataclass
class Incoming:
    """One batch as its source tells it. Rows are by the source's own keys and name columns of `app/models/roster`.

    `people`: columns of Person. `relations`, by (pupil, contact): columns of Relation. `sessions`: columns of
    AcademicSession, with `parent` (a key) for `parent_id`. `courses`: columns of Course, with `session` (a key).
    `groups`: columns of Group, with `course` (a key) and `sessions` (keys). `enrolments`: columns of Enrolment, with
    `group` and `person` (keys). Columns that a source does not know are left out. Texts are trimmed and of NFC, dates
    are dates, NC years are `YEARS`.

    `covers` is what the source speaks of: of that a full batch is the whole truth, and of nothing else. `gone` are keys
    that a delta says are no more, by the name of the attribute above. `left` counts people listed who have left
    already: they are not in `people`. `forgiven` are faults that did not matter, told so that they can be mended.
    `made_at` is the DfE number (seven digits) of the school whose system wrote it; empty where it does not say.
    """

    source: str
    covers: frozenset[str]
    is_full: bool = True
    people: dict[str, Row] = dataclasses.field(default_factory=dict)
    relations: dict[tuple[str, str], Row] = dataclasses.field(default_factory=dict)
    sessions: dict[str, Row] = dataclasses.field(default_factory=dict)
    courses: dict[str, Row] = dataclasses.field(default_factory=dict)
    groups: dict[str, Row] = dataclasses.field(default_factory=dict)
    enrolments: dict[str, Row] = dataclasses.field(default_factory=dict)
    gone: dict[str, set[Any]] = dataclasses.field(default_factory=dict)
    left: int = 0
    made_at: str = ""
    forgiven: list[Fault] = dataclasses.field(default_factory=list)
