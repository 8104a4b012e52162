"""What a sync would do in an app: from a roster, the accounts that the app has, and the school's choices.

Pure: the same three give the same plan, byte for byte, and nothing is read or written. Whoever has an account keeps its
username and password; whoever left is archived and never deleted; whatever is unclear waits for somebody to say.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from app.sync import usernames
from app.sync.facts import (
    NO_EMAIL,
    NO_GROUP,
    NO_NAME,
    PUPIL,
    STAFF,
    Change,
    Choices,
    Duplicate,
    Held,
    New,
    Plan,
    Refusal,
    Somebody,
)
from app.sync.owners import owners


def make(people: Iterable[Somebody], held: Iterable[Held], choices: Choices) -> Plan:
    """The plan of one school and one app. `held` are all accounts whose names are not free, archived ones included."""
    there = {one.id: one for one in sorted(people, key=lambda one: one.id)}
    accounts = {one.id: one for one in sorted(held, key=lambda one: one.id)}
    owner, duplicates = owners(there, accounts, choices)
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
