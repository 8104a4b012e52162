"""What a sync would do in an app: from a roster, the accounts that the app has, and the school's choices.

Pure: the same three give the same plan, byte for byte, and nothing is read or written. Whoever has an account keeps its
username and password; whoever left is archived and never deleted; whatever is unclear waits for somebody to say.
"""

import dataclasses
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import orjson

from app.models.roster.person import TEACHER
from app.models.spelling import plain
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


def make(people: Iterable[Somebody], held: Iterable[Held], choices: Choices) -> Plan:
    """The plan of one school and one app. `held` are all accounts whose names are not free, archived ones included."""
    there = {one.id: one for one in sorted(people, key=lambda one: one.id)}
    accounts = {one.id: one for one in sorted(held, key=lambda one: one.id)}
    owner, duplicates = _owners(there, accounts, choices)
    of_person = {person: account for account, person in owner.items()}

    changed, unchanged, refused, joining = [], [], [], []
    for one in there.values():
        account = accounts.get(of_person.get(one.id, -1))
        reason = _fault(one)
        if account is None:
            if one.id in duplicates or not choices.wants(one):
                continue
            if reason:
                refused.append(Refusal(one.id, reason))
            else:
                joining.append(one)
            continue
        if reason:
            refused.append(Refusal(one.id, reason, account.id))
        fields = _differences(account, one, keep_classes=reason == NO_GROUP)
        if fields or account.is_archived:
            changed.append(Change(account.id, one.id, fields, account.is_archived))
        else:
            unchanged.append(account.id)
    return Plan(
        new=_named(joining, accounts.values(), choices),
        changed=tuple(changed),
        leaving=tuple(_leaving(there, accounts, owner, duplicates.values())),
        unchanged=tuple(unchanged),
        duplicates=tuple(duplicates.values()),
        refused=tuple(refused),
        linked=tuple((account, person) for account, person in owner.items() if accounts[account].person != person),
    )


def _fault(one: Somebody) -> str:
    if not (one.given or one.family):
        return NO_NAME
    if one.kind == STAFF:
        return "" if one.email else NO_EMAIL
    return "" if one.group else NO_GROUP


def _named(joining: Sequence[Somebody], held: Iterable[Held], choices: Choices) -> tuple[New, ...]:
    forms = {PUPIL: usernames.FORMS[choices.pupil_form], STAFF: usernames.FORMS[choices.staff_form]}
    bases = [usernames.base(forms[one.kind], one.given, one.family) for one in joining]
    names = usernames.assign(bases, {usernames.key(one.username) for one in held})
    return tuple(
        New(one.id, one.kind, name, one.given, one.family, one.email, one.upn, one.year, one.nc_year, one.classes)
        for one, name in zip(joining, names, strict=True)
    )


def _differences(account: Held, one: Somebody, *, keep_classes: bool) -> dict[str, tuple[object, object]]:
    was = {"given": account.given, "family": account.family, "email": account.email}
    now = {"given": one.given, "family": one.family, "email": one.email}
    if account.kind == PUPIL and not keep_classes:
        was |= {"year": account.year}
        now |= {"year": one.year}
    found: dict[str, tuple[object, object]] = {name: (was[name], now[name]) for name in was if was[name] != now[name]}
    if not keep_classes and account.classes != one.classes:
        found["classes"] = (account.classes, one.classes)
    return found


def _leaving(
    there: Mapping[int, Somebody],
    accounts: Mapping[int, Held],
    owner: Mapping[int, int],
    duplicates: Iterable[Duplicate],
) -> Iterable[int]:
    """Accounts of people who are there no more, and pupils' with a UPN that nobody here has.

    What an app has beside that (its own administrators, say) is none of our business.
    """
    unclear = {account for duplicate in duplicates for account in duplicate.accounts}
    for account in accounts.values():
        if account.is_archived or account.id in unclear:
            continue
        person = owner.get(account.id)
        is_gone = person is not None and person not in there
        is_unknown = person is None and account.kind == PUPIL and bool(account.upn)
        if is_gone or is_unknown:
            yield account.id


def _owners(
    there: Mapping[int, Somebody], accounts: Mapping[int, Held], choices: Choices
) -> tuple[dict[int, int], dict[int, Duplicate]]:
    """{account: person} of whose accounts are known, and by person what is unclear."""
    owner = {one.id: one.person for one in accounts.values() if one.person is not None}
    taken = set(owner.values())
    for person, account in sorted(choices.same.items()):
        if account in accounts and account not in owner and person in there and person not in taken:
            owner[account] = person
            taken.add(person)
    free_people = [one for one in there.values() if one.id not in taken]
    free_accounts = [one for one in accounts.values() if one.id not in owner]
    duplicates: dict[int, Duplicate] = {}
    for reason, of_person, of_account in _RULES:
        ours, theirs = _by(free_people, of_person), _by(free_accounts, of_account)
        for sign in sorted(ours.keys() & theirs.keys(), key=repr):
            people, candidates = ours[sign], theirs[sign]
            pairs = [
                (one, account)
                for one in people
                for account in candidates
                if account.kind == one.kind
                and (one.id, account.id) not in choices.different
                # Another UPN says that it is somebody else, whatever the name.
                and not (one.upn and account.upn and one.upn != account.upn)
            ]
            is_sure = reason != NAME and len(people) == len(candidates) == len(pairs) == 1
            for one, held in pairs:
                if is_sure:
                    owner[held.id] = one.id
                elif one.id not in duplicates:
                    likely = [other.id for each, other in pairs if each is one]
                    duplicates[one.id] = Duplicate(one.id, tuple(likely), reason)
        owners = set(owner.values())
        free_people = [one for one in free_people if one.id not in owners and one.id not in duplicates]
        free_accounts = [one for one in free_accounts if one.id not in owner]
    return owner, dict(sorted(duplicates.items()))


UPN, EMAIL, NAME = "upn", "email", "name"
One = TypeVar("One", Somebody, Held)
Signs = Iterable[Hashable]
_RULES: tuple[tuple[str, Callable[[Somebody], Signs], Callable[[Held], Signs]], ...] = (
    (UPN, lambda one: [one.upn] if one.upn else [], lambda held: [held.upn] if held.upn else []),
    (
        EMAIL,
        lambda one: [one.email.casefold()] if one.email else [],
        lambda held: [held.email.casefold()] if held.email else [],
    ),
    (
        NAME,
        lambda one: {(plain(given), plain(family)) for given, family in ((one.given, one.family), *one.other_names)},
        lambda held: [(plain(held.given), plain(held.family))] if not held.is_archived else [],
    ),
)


def _by(items: Iterable[One], signs: Callable[[One], Signs]) -> dict[Hashable, list[One]]:
    found: dict[Hashable, list[One]] = defaultdict(list)
    for one in items:
        for sign in signs(one):
            found[sign].append(one)
    return found


def counts(plan: Plan, there: Mapping[int, Somebody]) -> Counter[str]:
    """How many of each line of the summary."""
    found = Counter({f"new {one.kind}": 0 for one in plan.new})
    for one in plan.new:
        found[f"new {one.kind}"] += 1
    for change in plan.changed:
        kind = there[change.person].kind
        found["returning" if change.returns else f"moving {kind}" if change.moves else f"details {kind}"] += 1
    found |= Counter(leaving=len(plan.leaving), unchanged=len(plan.unchanged))
    found |= Counter(duplicates=len(plan.duplicates), refused=len(plan.refused))
    return found
