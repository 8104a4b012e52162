"""What a plan is made of, and what it says: people, users, choices, and the differences between them."""

import dataclasses
import functools
from collections.abc import Mapping

import orjson

from app.models.roster.person import TEACHER
from app.sync import usernames

PUPIL, STAFF = "pupil", "staff"
NO_EMAIL, NO_GROUP, NO_NAME = "no-email", "no-group", "no-name"


@dataclasses.dataclass(frozen=True)
class Somebody:
    """A person of the roster as the app may see them. Texts are empty where nothing is known, or opened."""

    id: int
    kind: str  # PUPIL or STAFF
    given: str
    family: str
    email: str = ""
    upn: str = ""
    year: str = ""  # as the school's map has it, such as 'Year 6'
    nc_year: str = ""  # what that is called in the national curriculum
    group: str = ""  # registration group
    classes: tuple[str, ...] = ()  # titles of the registration group and of the chosen subject groups, sorted
    role: str = ""
    other_names: tuple[tuple[str, str], ...] = ()  # further (given, family): the legal name beside the preferred one


@dataclasses.dataclass(frozen=True)
class Held:
    """An account that there is in the app, or was. `person`: whose it is, once that is known."""

    id: int
    kind: str
    username: str
    given: str
    family: str
    email: str = ""
    upn: str = ""
    year: str = ""
    classes: tuple[str, ...] = ()
    person: int | None = None
    is_archived: bool = False


@dataclasses.dataclass(frozen=True)
class Choices:
    """What the school has said. `same` and `different` are its answers about possible duplicates."""

    pupil_form: str = usernames.FORENAME_INITIAL
    staff_form: str = usernames.INITIAL_SURNAME
    staff: bool = True
    only_teachers: bool = True
    same: Mapping[int, int] = dataclasses.field(default_factory=dict)  # person → account
    different: frozenset[tuple[int, int]] = frozenset()  # (person, account)

    def wants(self, one: Somebody) -> bool:
        """Whether somebody without an account is to get one."""
        return one.kind == PUPIL or (self.staff and (one.role == TEACHER or not self.only_teachers))


@dataclasses.dataclass(frozen=True)
class New:
    """An account to make."""

    person: int
    kind: str
    username: str
    given: str
    family: str
    email: str
    upn: str
    year: str
    nc_year: str
    classes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Change:
    """An account that goes on, with what is different now: {field: [before, after]}; never a username or password."""

    account: int
    person: int
    fields: dict[str, tuple[object, object]]
    returns: bool = False  # it was archived

    @property
    def moves(self) -> bool:
        """Whether the classes, or the year group, are others."""
        return not self.fields.keys().isdisjoint(("classes", "year"))


@dataclasses.dataclass(frozen=True)
class Duplicate:
    """Somebody without an account who may be the owner of one of these, the likeliest first."""

    person: int
    accounts: tuple[int, ...]
    reason: str  # 'upn' where several share it, 'email', 'name'


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Somebody who gets no account, or whose account stays as it is, and why: NO_EMAIL, NO_GROUP or NO_NAME."""

    person: int
    reason: str
    account: int | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything in order of ids. `linked`: whose an account turned out to be, where nobody had noted that."""

    new: tuple[New, ...]
    changed: tuple[Change, ...]
    leaving: tuple[int, ...]  # accounts
    unchanged: tuple[int, ...]  # accounts
    duplicates: tuple[Duplicate, ...]
    refused: tuple[Refusal, ...]
    linked: tuple[tuple[int, int], ...]  # (account, person)

    @functools.cached_property
    def bytes(self) -> bytes:
        return orjson.dumps(self, option=orjson.OPT_SERIALIZE_DATACLASS | orjson.OPT_SORT_KEYS)

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed or self.leaving)
