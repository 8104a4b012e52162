"""Whose a user of an app is: by what was noted or said before, by UPN, by email; by name only when somebody says so."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TypeVar

from app.models.spelling import plain
from app.sync.facts import Choices, Duplicate, Held, Somebody


def owners(
    there: Mapping[int, Somebody], accounts: Mapping[int, Held], choices: Choices
) -> tuple[dict[int, int], dict[int, Duplicate]]:
    """{account: person} of those whose owner is known, and by person what is unclear."""
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
                    own = [other for each, other in pairs if each is one]
                    likely = [other.id for other in sorted(own, key=lambda other: not _alike(one, other))]
                    duplicates[one.id] = Duplicate(one.id, tuple(likely), reason)
        owners = set(owner.values())
        free_people = [one for one in free_people if one.id not in owners and one.id not in duplicates]
        free_accounts = [one for one in free_accounts if one.id not in owner]
    return owner, dict(sorted(duplicates.items()))


def _alike(one: Somebody, other: Held) -> bool:
    """Whether they have a class in common, or their year group."""
    return not set(one.classes).isdisjoint(other.classes) or (bool(one.year) and one.year == other.year)


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
