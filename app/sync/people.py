"""The people whom a sync is about: those whom the app may see, by the policy of the data API, and their classes."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from app.db import Session
from app.disclosure import Given, records
from app.disclosure.sight import sight, standing
from app.models.roster import sight as rows
from app.models.roster.group import HOMEROOM, TEACHES
from app.models.roster.person import YEARS, Person
from app.models.roster.sight import PUPIL, STAFF
from app.sync import facts
from app.sync.choices import Answers, label
from app.sync.facts import Somebody


def seen(db: Session, given: Given, answers: Answers) -> list[Somebody]:
    """Pupils and staff as the app may see them, in order of id. Within `sessions.read(school=…)`."""
    of = sight(given)
    there = standing(db, of)
    classes, forms = _classes(db, given, answers)
    found = []
    years = as_sent(db, given.school_id, there.of_kind(PUPIL))
    for record in records.people(db, of, there, [*there.of_kind(PUPIL), *there.of_kind(STAFF)]):
        own = record["id"]
        legal = (record.get("given_name", ""), record.get("family_name", ""))
        preferred = (
            record.get("preferred_given_name") or legal[0],
            record.get("preferred_family_name") or legal[1],
        )
        titles = set(classes.get(own, ()))
        group = record.get("registration_group", "") or forms.get(own, "")
        if record["kinds"] & PUPIL:
            year = answers.year_of(years.get(own, ""), record.get("year", ""))
            found.append(
                Somebody(
                    id=own,
                    kind=facts.PUPIL,
                    given=preferred[0],
                    family=preferred[1],
                    email=record.get("email", ""),
                    upn=record.get("upn", ""),
                    year=label(year),
                    nc_year=year,
                    group=group,
                    classes=tuple(sorted(titles | ({group} if group else set()))),
                    other_names=() if legal == preferred else (legal,),
                )
            )
        else:
            found.append(
                Somebody(
                    id=own,
                    kind=facts.STAFF,
                    given=preferred[0],
                    family=preferred[1],
                    email=record.get("email", ""),
                    classes=tuple(sorted(titles)),
                    role=record.get("staff_role", ""),
                    other_names=() if legal == preferred else (legal,),
                )
            )
    return list({one.id: one for one in sorted(found, key=lambda one: one.id)}.values())


def _classes(db: Session, given: Given, answers: Answers) -> tuple[dict[int, list[str]], dict[int, str]]:
    """By person: titles of registration groups and of groups of the chosen subjects; the registration group alone."""
    of = sight(given)
    there = standing(db, of)
    chosen, homerooms = {}, {}
    for group in records.groups(db, of, there, list(there.groups(db))):
        if group["kind"] == HOMEROOM:
            homerooms[group["id"]] = chosen[group["id"]] = group["title"]
        elif not answers.subjects_of(group["subjects"], group["title"]).isdisjoint(answers.subjects):
            chosen[group["id"]] = group["title"]
    classes: dict[int, list[str]] = defaultdict(list)
    forms: dict[int, str] = {}
    for _own, group_id, person, role in there.places(db):
        if group_id in chosen:
            classes[person].append(chosen[group_id])
        if group_id in homerooms and role != TEACHES:
            forms.setdefault(person, homerooms[group_id])
    return classes, forms


def subjects(db: Session, given: Given) -> Mapping[str, int]:
    """What is taught in groups that the app may see, and in how many: subjects, and titles of groups without one."""
    of = sight(given)
    there = standing(db, of)
    found: Counter[str] = Counter()
    for group in records.groups(db, of, there, list(there.groups(db))):
        if group["kind"] != HOMEROOM:
            found.update(Answers.subjects_of(group["subjects"], group["title"]))
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))


def titles(db: Session, given: Given) -> list[str]:
    """Every class that the app may see, by title."""
    of = sight(given)
    there = standing(db, of)
    found = {group["title"] for group in records.groups(db, of, there, list(there.groups(db)))}
    return sorted(found, key=str.casefold)


def as_sent(db: Session, school_id: uuid.UUID, pupils: Sequence[int]) -> dict[int, str]:
    """How the school's MIS writes the year group of each of these pupils."""
    return {own: row[1] for own, row in rows.rows(db, Person, school_id, ("year_as_sent",), pupils).items()}


def year_names(db: Session, given: Given) -> dict[str, tuple[str, int]]:
    """What the MIS calls year groups → (the NC year that we take it for, how many pupils), youngest first."""
    pupils = standing(db, sight(given)).of_kind(PUPIL)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows.rows(db, Person, given.school_id, ("year_as_sent", "year"), pupils).values():
        found[row[1]][row[2]] += 1
    known = {told: (counted.most_common(1)[0][0], counted.total()) for told, counted in found.items()}
    return dict(sorted(known.items(), key=lambda item: ((*YEARS, "").index(item[1][0]), item[0])))
