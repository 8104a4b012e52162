"""Invented pupils, parents, teachers and classes for the demo's schools. Nobody in it exists; it is always the same."""

import datetime as dt
from itertools import count
from typing import Any

from app.models.base import today
from app.models.roster.batch import ONEROSTER
from app.models.roster.group import HOMEROOM, SCHEDULED, SCHOOL_YEAR, STUDENT, TEACHES, TERM
from app.models.roster.person import ADMINISTRATOR, AIDE, PARENT, PRINCIPAL, TEACHER
from app.roster.identifiers import check_letter
from app.roster.incoming import CONTACTS, GROUPS, PUPILS, STAFF, Incoming, Row

GIVEN = (
    *("Ada", "Ben", "Chloé", "Dev", "Erin", "Femi", "Grace", "Haris", "Isla", "Jakub", "Kezia", "Liam", "Maya", "Noor"),
    *("Owain", "Priya", "Quinn", "Rosa", "Siân", "Tariq", "Uma", "Viktor", "Wanjiku", "Xin", "Yusuf", "Zoë", "Aoife"),
)
FAMILY = (
    *("Abbott", "Begum", "Castle", "Davies", "Edwards", "Farah", "Green", "Hussain", "Iqbal", "Jones", "Kaur", "Lloyd"),
    *("Mensah", "Nowak", "O’Brien", "Patel", "Quayle", "Rossi", "Singh", "Taylor", "Usman", "Vaughan", "Wright"),
    *("Young", "Llŷr-Evans", "Ní Bhriain", "Adeyemi", "Brontë", "Chen"),
)
FORM_SIZE = 12
SUBJECTS = (("English", "EN"), ("Maths", "MA"), ("Science", "SC"))


def invented(first_year: int, years: int) -> Incoming:
    """Two forms of 12 in each of so many years; year 0 is Reception. From year 7 on there are classes by subject."""
    made = Incoming(ONEROSTER, frozenset({PUPILS, STAFF, CONTACTS, GROUPS}))
    _sessions(made)
    _office(made)
    serial = count(1)
    for year in range(first_year, first_year + years):
        pupils = []
        for letter in "AB":
            form = f"{year or 'R'}{letter}"
            teacher = _teacher(made, form, next(serial))
            group = _group(made, form, year, teacher)
            for _ in range(FORM_SIZE):
                pupils.append(_pupil(made, next(serial), year, form))
                _place(made, group, pupils[-1], STUDENT)
        if year >= 7:
            for subject, code in SUBJECTS:
                teacher = _teacher(made, f"{code}{year}", next(serial))
                group = _group(made, f"Year {year} {subject}", year, teacher, (subject, code))
                for pupil in pupils:
                    _place(made, group, pupil, STUDENT)
    return made


def _started() -> int:
    """The calendar year in which the school year of today began."""
    on = today()
    return on.year if on.month >= 9 else on.year - 1


def _sessions(made: Incoming) -> None:
    began = _started()
    year: Row = {"title": f"{began}/{began + 1}", "kind": SCHOOL_YEAR, "school_year": began + 1, "parent": None}
    made.sessions["year"] = year | {"starts_on": dt.date(began, 9, 1), "ends_on": dt.date(began + 1, 8, 31)}
    for title, starts, ends in (
        ("Autumn Term", dt.date(began, 9, 1), dt.date(began, 12, 18)),
        ("Spring Term", dt.date(began + 1, 1, 4), dt.date(began + 1, 3, 26)),
        ("Summer Term", dt.date(began + 1, 4, 12), dt.date(began + 1, 7, 21)),
    ):
        term: Row = {"title": title, "kind": TERM, "school_year": began + 1, "parent": "year"}
        made.sessions[title] = term | {"starts_on": starts, "ends_on": ends}


def _office(made: Incoming) -> None:
    for key, name, role, job in (
        ("head", "Helen Headley", PRINCIPAL, "Headteacher"),
        ("office", "Olu Bankole", ADMINISTRATOR, "Office Manager"),
        ("aide", "Andy Lowe", AIDE, "Teaching Assistant"),
    ):
        _member_of_staff(made, key, name, role, job)


def _member_of_staff(made: Incoming, key: str, name: str, role: str, job: str) -> str:
    given, family = name.split(" ", 1)
    email = f"{given}.{family}@school.example".lower().replace("’", "").replace(" ", "-")
    about: Row = {"given_name": given, "family_name": family, "staff_role": role, "job_title": job}
    made.people[f"staff-{key}"] = about | {"email": email, "staff_code": key.upper()[:6], "title": "Mx"}
    return f"staff-{key}"


def _teacher(made: Incoming, key: str, number: int) -> str:
    given, family = GIVEN[number * 5 % len(GIVEN)], FAMILY[number * 11 % len(FAMILY)]
    return _member_of_staff(made, key.lower(), f"{given} {family}", TEACHER, "Teacher")


def _group(made: Incoming, title: str, year: int, teacher: str, subject: tuple[str, str] | None = None) -> str:
    """A registration group, or a class of a subject, (name, code)."""
    about: dict[str, Any] = {
        "title": title,
        "code": title.replace("Year ", "").replace(" ", "/") if subject else title,
        "years": [str(year or "R")],
        "subjects": [subject[0]] if subject else [],
        "subject_codes": [subject[1]] if subject else [],
    }
    made.courses[title] = about | {"session": "year"}
    terms = [key for key in made.sessions if key != "year"]
    made.groups[title] = about | {
        "kind": SCHEDULED if subject else HOMEROOM,
        "location": "",
        "course": title,
        "sessions": terms,
    }
    _place(made, title, teacher, TEACHES)
    return title


def _place(made: Incoming, group: str, person: str, role: str) -> None:
    place: Row = {"group": group, "person": person, "role": role, "is_primary": True if role == TEACHES else None}
    made.enrolments[f"{group}/{person}"] = place | {"begins_on": None, "ends_on": None}


def _pupil(made: Incoming, number: int, year: int, form: str) -> str:
    given, family = GIVEN[number % len(GIVEN)], FAMILY[number * 7 % len(FAMILY)]
    rest = f"{8882999:07d}{_started() % 100:02d}{number:03d}"
    key = f"pupil-{number}"
    made.people[key] = {
        "pupil": True,
        "given_name": given,
        "family_name": family,
        "preferred_given_name": given[:3] if number % 17 == 0 else "",
        "email": f"pupil{number}@school.example" if year >= 7 else "",
        "birth_date": dt.date(_started() - year - 5, 1 + number % 8, 1 + number % 28),
        "sex": "MF"[number % 2],
        "year": str(year or "R"),
        "year_as_sent": f"Year {year}" if year else "Reception",
        "registration_group": form,
        "admission_number": f"{number:06d}",
        "upn": check_letter(rest) + rest,
        "sen": "E" if number % 29 == 0 else "K" if number % 7 == 0 else "N",
        "fsm": number % 5 == 0,
    }
    for place, (words, name) in enumerate((("Mother", "Mina"), ("Father", "Fred"))[: 1 + number % 2], 1):
        contact = f"contact-{number}-{place}"
        made.people[contact] = {
            "given_name": name,
            "family_name": family,
            "contact_role": PARENT,
            "email": f"{name.lower()}{number}@home.example" if number % 6 else "",
            "mobile": f"07700900{number % 1000:03d}",
            "telephone": "",
        }
        ordered = {
            "words": words,
            "priority": place,
            "responsibility": True,
            "court_order": number % 41 == 0 and place == 2,
        }
        made.relations[key, contact] = ordered
    return key
