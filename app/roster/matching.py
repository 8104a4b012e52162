"""The same person in another system: by official number, else by rules, else asked.

A school that changes its MIS sends the same people under new keys. Whoever is recognised keeps their id, and with it
every id that partners know them by and every exclusion. To take two people for one would mix up two children, so what
official numbers contradict is never matched, and what fits several people is left to somebody at the school.
"""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from anyascii import anyascii

Person = Mapping[str, Any]
Key = Any


@dataclasses.dataclass(frozen=True)
class Doubt:
    """Somebody new who may be one of several (or one, not surely) who were there: `candidates` are their ids."""

    key: str
    person: Person
    candidates: tuple[int, ...]


def match(new: Mapping[str, Person], old: Mapping[int, Person]) -> tuple[dict[str, int], list[Doubt]]:
    """Who of `new` (by source key) is who of `old` (by id), and what a person has to say.

    Rows name the columns of `IDENTITY` (see `models/roster/changes.py`); what is not known is left out or empty.
    """
    found: dict[str, int] = {}
    for rule in _RULES:
        left = {key: person for key, person in new.items() if key not in found}
        taken = set(found.values())
        free = {own: person for own, person in old.items() if own not in taken}
        found |= _by(rule, left, free)
    taken = set(found.values())
    alike: dict[Key, list[int]] = defaultdict(list)
    for own, person in old.items():
        if own not in taken and (key := _same_name(person)):
            alike[key].append(own)
    doubts = []
    for key, person in new.items():
        if key in found or not (named := _same_name(person)):
            continue
        candidates = tuple(own for own in alike[named] if not _contradict(person, old[own]))
        if candidates:
            doubts.append(Doubt(key, person, candidates))
    return found, doubts


def _by(
    rule: Callable[[Person], Iterable[Key]], new: Mapping[str, Person], old: Mapping[int, Person]
) -> dict[str, int]:
    """Pairs that a rule makes out of one on either side, and that no official number contradicts."""
    theirs, ours = _gathered(rule, new), _gathered(rule, old)
    found: dict[str, int] = {}
    for value, keys in theirs.items():
        owns = ours.get(value, ())
        if len(keys) == 1 and len(owns) == 1:
            (key,), (own,) = keys, owns
            if key not in found and own not in found.values() and not _contradict(new[key], old[own]):
                found[key] = own
    return found


def _gathered(rule: Callable[[Person], Iterable[Key]], people: Mapping[Any, Person]) -> Mapping[Key, Collection[Any]]:
    gathered: dict[Key, set[Any]] = defaultdict(set)
    for key, person in people.items():
        for value in rule(person):
            gathered[value].add(key)
    return gathered


def _contradict(one: Person, other: Person) -> bool:
    """Whether official numbers, or what the two are to the school, say that they are two people."""
    for name in ("upn", "uln", "trn"):
        ours, theirs = one.get(name), other.get(name)
        if ours and theirs and ours != theirs and not (name == "upn" and _renumbered(one, other)):
            return True
    return bool(one.get("pupil")) != bool(other.get("pupil"))


def _renumbered(one: Person, other: Person) -> bool:
    """A temporary UPN, or one that was corrected, gives way to another: the former one says so."""
    return one.get("former_upn") == other.get("upn") or other.get("former_upn") == one.get("upn")


def _official(name: str) -> Callable[[Person], Iterable[Key]]:
    def rule(person: Person) -> Iterable[Key]:
        return [value] if (value := person.get(name)) else []

    return rule


def _any_upn(person: Person) -> Iterable[Key]:
    return {value for name in ("upn", "former_upn") if (value := person.get(name))}


def _name(person: Person) -> tuple[str, str]:
    return folded(person.get("given_name", "")), folded(person.get("family_name", ""))


def folded(text: str) -> str:
    """A name without accents, case and everything that is no letter: Siân O’Brien-Ng is 'sianobrienng'."""
    return "".join(letter for letter in anyascii(text).casefold() if letter.isalnum())


def _pupil(person: Person) -> Iterable[Key]:
    """A pupil by legal name, birth date and registration group; the next rule does without the group."""
    born, group = person.get("birth_date"), person.get("registration_group")
    return [(*_name(person), born, group)] if person.get("pupil") and born and group else []


def _born(person: Person) -> Iterable[Key]:
    born = person.get("birth_date")
    return [(*_name(person), born)] if person.get("pupil") and isinstance(born, dt.date) else []


def _reached(person: Person) -> Iterable[Key]:
    """An adult by name and e-mail address or mobile number."""
    if person.get("pupil"):
        return []
    ways = (person.get("email", "").casefold(), person.get("mobile", ""))
    return [(*_name(person), way) for way in ways if way]


_RULES = (_official("upn"), _any_upn, _official("uln"), _official("trn"), _pupil, _born, _reached)


def _same_name(person: Person) -> Key:
    """What makes two people worth a question: a pupil's name and birth date, a member of staff's name."""
    if person.get("pupil"):
        return (*_name(person), person["birth_date"]) if person.get("birth_date") else None
    return ("staff", *_name(person)) if person.get("staff_role") else None


def returned(new: Mapping[str, Person], left: Mapping[int, Person]) -> dict[str, int]:
    """Who of `new` left before and comes back: by UPN alone, since names repeat over the years."""
    return _by(_official("upn"), new, left)
