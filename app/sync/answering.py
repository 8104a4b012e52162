"""What a posted step of the wizard says: the changes to a school's answers, and what is wrong with it."""

from collections.abc import Callable, Mapping
from typing import Any

from app.db import Session
from app.models.app_user import AppGroup
from app.models.roster.person import YEARS
from app.sync import existing, passwords, people, shown, usernames
from app.sync.choices import label
from app.sync.service import Desk
from app.web.forms import Fault

Read = tuple[dict[str, Any], list[Fault]]


def _classes(db: Session, desk: Desk, sent: Mapping[str, str]) -> Read:
    groups = [group.title for group in AppGroup.of_app(db, desk.given.school_id, desk.given.app_id)]
    titles = people.titles(db, desk.given)
    renamed = {}
    for place, title in enumerate(existing.unmatched(groups, titles)):
        told = sent.get(f"class-{place}", "")
        if told in titles:
            renamed[title] = told
    return {"renamed": dict(desk.answers.renamed) | renamed}, []


def _usernames(_db: Session, _desk: Desk, sent: Mapping[str, str]) -> Read:
    faults = [
        Fault("Choose a format", name)
        for name in ("pupil_form", "staff_form")
        if sent.get(name, "") not in usernames.FORMS
    ]
    staff = sent.get("staff", "")
    if staff not in ("teachers", "all", "none"):
        faults.append(Fault("Choose which staff get an account", "staff"))
    chosen = {name: sent.get(name, "") for name in ("pupil_form", "staff_form")}
    return chosen | {"staff": staff != "none", "only_teachers": staff != "all"}, faults


def _passwords(_db: Session, desk: Desk, sent: Mapping[str, str]) -> Read:
    told = {year: sent.get(f"form-{year}", "") for year in shown.years_of(desk)}
    faults = [
        Fault(f"Choose a password for {label(year) or 'pupils without a year group'}", f"form-{year}")
        for year, form in told.items()
        if form not in passwords.FORMS
    ]
    return {"passwords": dict(desk.answers.passwords) | told}, faults


def _years(db: Session, desk: Desk, sent: Mapping[str, str]) -> Read:
    mapped = dict(desk.answers.years)
    for place, told in enumerate(people.year_names(db, desk.given)):
        if (year := sent.get(f"year-{place}", "")) in YEARS:
            mapped[told] = year
    return {"years": mapped}, []


def _subjects(db: Session, desk: Desk, sent: Mapping[str, str]) -> Read:
    offered = list(people.subjects(db, desk.given))
    return {"subjects": [name for place, name in enumerate(offered) if sent.get(f"subject-{place}") == "yes"]}, []


READ: dict[str, Callable[[Session, Desk, Mapping[str, str]], Read]] = {
    "classes": _classes,
    "usernames": _usernames,
    "passwords": _passwords,
    "years": _years,
    "subjects": _subjects,
}
