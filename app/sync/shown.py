"""What the pages of the wizard show: each step's examples, counts and names, worked out of a desk."""

import dataclasses
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from app.db import Session
from app.models.app_user import AppGroup, AppUser
from app.models.roster.person import YEARS
from app.sharing.years import words
from app.sync import existing, facts, passwords, people, plan, service, usernames
from app.sync.choices import label
from app.sync.facts import NO_EMAIL, NO_GROUP, NO_NAME, PUPIL, STAFF, Somebody
from app.sync.service import Desk

STEPS = {
    "classes": "Class names",
    "usernames": "Usernames",
    "passwords": "Passwords",
    "years": "Year groups",
    "subjects": "Subject groups",
    "summary": "Summary",
}
EXAMPLES = 3
OFFERED = 5  # users of whom one may be somebody's
ASKED = 50  # possible duplicates at a time
LISTED = 500  # names under one line of the summary; the rest are counted
LINES = {
    "new pupil": ("New pupils", "They get a username and a first password."),
    "new staff": ("New staff", "They get a username, and an email with a link to set up their account."),
    "moving pupil": ("Pupils who change class", "They keep their username and password."),
    "moving staff": ("Staff who change classes", "They keep their username and password."),
    "details pupil": ("Pupils whose details change", "Name or email address. The username stays."),
    "details staff": ("Staff whose details change", "Name or email address. The username stays."),
    "returning": ("Returning", "They were archived, and get the same username back."),
    "leaving": ("Leavers", "Not in your MIS any more, or not shared with this app. Archived, never deleted."),
    "unchanged": ("Unchanged", "Nothing happens to them."),
    "refused": ("Users who will not be imported due to errors", "Mend it in your MIS, then run the sync again."),
    "duplicates": ("Possible Duplicates", "They may have a user in the app already. Until you say so, none is made."),
}
REASONS = {
    NO_EMAIL: "No email address. Add one in your MIS.",
    NO_GROUP: "No registration group. Put them into one in your MIS.",
    NO_NAME: "No name. Add one in your MIS.",
}
DUPLICATE_REASONS = {
    "upn": "The same UPN as several users",
    "email": "The same email address",
    "name": "The same name",
}


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the summary: `rows` are (who, what) of those behind it, `more` how many are not among them."""

    key: str
    title: str
    about: str
    count: int
    rows: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    more: int = 0


def named(one: Somebody) -> str:
    about = ", ".join(part for part in (one.year, one.group) if part) or ("staff" if one.kind == STAFF else "")
    name = f"{one.given} {one.family}".strip() or "Without a name"
    return f"{name} ({about})" if about else name


def lines_of(counts: Mapping[str, int]) -> list[Line]:
    """The lines of a run that is over: counts alone."""
    return [Line(key, title, about, counts.get(key, 0)) for key, (title, about) in LINES.items()]


def _lines(desk: Desk, made: facts.Plan) -> list[Line]:
    rows: dict[str, list[tuple[str, str]]] = {key: [] for key in LINES}
    for new in made.new:
        rows[f"new {new.kind}"].append((named(desk.people[new.person]), new.username))
    for change in made.changed:
        one, user = desk.people[change.person], desk.users[change.account]
        key = "returning" if change.returns else f"{'moving' if change.moves else 'details'} {one.kind}"
        rows[key].append((f"{named(one)}: {user.username}", _changes(change)))
    for own in made.leaving:
        user = desk.users[own]
        rows["leaving"].append((f"{user.given_name} {user.family_name}".strip(), user.username))
    for refusal in made.refused:
        kept = "" if refusal.account is None else " The user stays as it is."
        rows["refused"].append((named(desk.people[refusal.person]), REASONS[refusal.reason] + kept))
    counts = plan.counts(made, desk.people)
    found = []
    for key, (title, about) in LINES.items():
        ordered = sorted(rows[key], key=lambda row: row[0].casefold())
        found.append(Line(key, title, about, counts[key], ordered[:LISTED], max(0, len(ordered) - LISTED)))
    return found


_FIELDS = {"given": "first name", "family": "surname", "email": "email", "year": "year", "classes": "classes"}


def _changes(change: facts.Change) -> str:
    def text(value: object) -> str:
        return (", ".join(value) if isinstance(value, tuple) else str(value)) or "none"

    return "; ".join(f"{_FIELDS[name]} {text(was)} → {text(now)}" for name, (was, now) in change.fields.items())


def years_of(desk: Desk) -> list[str]:
    """The NC years of the pupils that are shared, youngest first; the empty one last."""
    there = {one.nc_year for one in desk.people.values() if one.kind == PUPIL}
    return [year for year in (*YEARS, "") if year in there]


def names_of_users(db: Session, school_id: uuid.UUID, app_id: uuid.UUID, ids: Collection[int]) -> dict[int, str]:
    return {one.id: one.username for one in AppUser.some(db, school_id, app_id, ids)}


def _classes(db: Session, desk: Desk) -> dict[str, Any]:
    groups = [group.title for group in AppGroup.of_app(db, desk.given.school_id, desk.given.app_id)]
    titles = people.titles(db, desk.given)
    users = Counter(title for user in desk.users.values() if not user.is_archived for title in user.classes)
    return {
        "titles": titles,
        "matching": sorted(set(groups) & set(titles), key=str.casefold),
        "rows": [(title, users[title], _likely(title, titles)) for title in existing.unmatched(groups, titles)],
        "found": desk.choices.found_at if desk.choices else None,
        "users": len(desk.users),
    }


def _likely(title: str, titles: Collection[str]) -> str:
    """The class of the MIS that differs in blanks, capitals or signs alone, if there is just one."""
    plain = _plain(title)
    same = [one for one in titles if _plain(one) == plain]
    return same[0] if len(same) == 1 else ""


def _plain(title: str) -> str:
    return "".join(sign for sign in title.casefold().removeprefix("class ") if sign.isalnum())


def _usernames(_db: Session, desk: Desk) -> dict[str, Any]:
    examples: dict[str, list[Somebody]] = {PUPIL: [], STAFF: []}
    for one in desk.people.values():
        if len(examples[one.kind]) < EXAMPLES and one.given and one.family:
            examples[one.kind].append(one)

    def options(kind: str) -> list[tuple[str, str, str]]:
        return [
            (
                key,
                form.title,
                ", ".join(
                    f"{one.given} {one.family} → {usernames.base(form, one.given, one.family)}"
                    for one in examples[kind]
                ),
            )
            for key, form in usernames.FORMS.items()
        ]

    staff = "none" if not desk.answers.staff else "teachers" if desk.answers.only_teachers else "all"
    return {"pupil_forms": options(PUPIL), "staff_forms": options(STAFF), "staff": staff}


def _passwords(_db: Session, desk: Desk) -> dict[str, Any]:
    counted = Counter(one.nc_year for one in desk.people.values() if one.kind == PUPIL)
    forms = [(key, f"{form.title}, such as {form.example}") for key, form in passwords.FORMS.items()]
    rows = [
        (year, label(year) or "Without a year group", counted[year], desk.answers.password_form(year))
        for year in years_of(desk)
    ]
    return {"rows": rows, "forms": forms}


def _years(db: Session, desk: Desk) -> dict[str, Any]:
    rows = [
        (told or "(empty)", count, desk.answers.year_of(told, guessed), guessed)
        for told, (guessed, count) in people.year_names(db, desk.given).items()
    ]
    return {"rows": rows, "options": [("", "Choose one"), *((year, words(year)) for year in YEARS)]}


def _subjects(db: Session, desk: Desk) -> dict[str, Any]:
    rows = [(name, count, name in desk.answers.subjects) for name, count in people.subjects(db, desk.given).items()]
    return {"rows": rows}


def _summary(_db: Session, desk: Desk) -> dict[str, Any]:
    made = desk.plan
    duplicates = [
        (
            duplicate.person,
            named(desk.people[duplicate.person]),
            DUPLICATE_REASONS[duplicate.reason],
            [(own, _user(desk.users[own])) for own in duplicate.accounts[:OFFERED]],
        )
        for duplicate in made.duplicates[:ASKED]
    ]
    return {
        "more": len(made.duplicates) - len(duplicates),
        "lines": _lines(desk, made),
        "duplicates": duplicates,
        "plan": service.digest_of(made),
        "is_empty": made.is_empty,
    }


def _user(user: AppUser) -> str:
    about = ", ".join([*user.classes[:2], user.email][:2])
    name = f"{user.given_name} {user.family_name}".strip()
    return f"{user.username}: {name}" + (f" ({about})" if about else "")


STEP = {
    "classes": _classes,
    "usernames": _usernames,
    "passwords": _passwords,
    "years": _years,
    "subjects": _subjects,
    "summary": _summary,
}
