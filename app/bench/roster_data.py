"""A OneRoster 1.2 bundle of an invented secondary, as large as is asked for: what `bench roster` takes in."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from app.roster.identifiers import check_letter

YEARS = (7, 8, 9, 10, 11, 12, 13)
CLASSES_OF_A_PUPIL = 10  # beside the registration group
HEADINGS = {
    "manifest": "propertyName,value",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects",
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,metadata.upn,metadata.regGroup,metadata.senProvision",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex",
}


def bundle(pupils: int, changed: float = 0.0) -> bytes:
    """A ZIP. `changed`: in that share of the pupils the surname is another."""
    rows: dict[str, list[Sequence[Any]]] = {name: [] for name in HEADINGS}
    rows["manifest"] = [("manifest.version", "1.0"), ("oneroster.version", "1.2")]
    rows["manifest"] += [(f"file.{name}", "bulk") for name in HEADINGS if name != "manifest"]
    rows["orgs"] = [("org", "", "", "Bench School", "school", "", "")]
    rows["academicSessions"] = [
        ("sy", "", "", "2026/2027", "schoolYear", "2026-09-01", "2027-08-31", "", "2027"),
        ("t1", "", "", "Autumn Term", "term", "2026-09-01", "2026-12-18", "sy", "2027"),
    ]
    staff = max(8, pupils * 8 // 100)
    for number in range(staff):
        _person(rows, f"stf-{number}", f"Given{number}", f"Staff{number}", "teacher", email=f"s{number}@bench.example")
    groups = _groups(rows, pupils, staff)
    every = int(1 / changed) if changed else 0
    for number in range(pupils):
        _pupil(rows, number, groups, is_changed=bool(every) and number % every == 0)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, held in rows.items():
            made.writestr(zipfile.ZipInfo(f"{name}.csv"), _table(HEADINGS[name], held), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _groups(rows: dict[str, list[Sequence[Any]]], pupils: int, staff: int) -> dict[int, list[str]]:
    """By year: a registration group, then classes of 25, each with a teacher."""
    found: dict[int, list[str]] = {}
    wanted = max(2, pupils // len(YEARS) // 25)
    for year in YEARS:
        found[year] = []
        for number in range(wanted * (CLASSES_OF_A_PUPIL + 1)):
            kind, key = ("homeroom" if number < wanted else "scheduled"), f"cls-{year}-{number}"
            title = f"{year}{'ABCDEFGHIJKLMNOP'[number % 16]}/{number}"
            rows["courses"].append((f"crs-{year}-{number}", "", "", "sy", title, title, year, "org", "Maths"))
            row = (key, "", "", title, year, f"crs-{year}-{number}", title, kind, "Room 1", "org", "t1", "Maths")
            rows["classes"].append(row)
            teacher = f"stf-{(year * 7 + number) % staff}"
            rows["enrollments"].append((f"ent-{key}", "", "", key, "org", teacher, "teacher", "true"))
            found[year].append(key)
    return found


def _pupil(
    rows: dict[str, list[Sequence[Any]]], number: int, groups: dict[int, list[str]], *, is_changed: bool
) -> None:
    year = YEARS[number % len(YEARS)]
    mine, own = groups[year], f"pup-{number}"
    homes = len(mine) // (CLASSES_OF_A_PUPIL + 1)
    tail = f"88829992{number:04d}"[:12]
    contacts = [f"con-{number}-{place}" for place in range(1 + number % 2)]
    for place, contact in enumerate(contacts):
        mobile = f"07700{900_000 + number * 2 + place}"
        _person(rows, contact, "Pat", f"Pupil{number}", "parent", email=f"c{number}-{place}@home.example", sms=mobile)
    form = mine[number % homes]
    _person(
        rows,
        own,
        f"Given{number}",
        f"{'Other' if is_changed else 'Pupil'}{number}",
        "student",
        email=f"p{number}@bench.example",
        tail=(",".join(contacts), year, check_letter(tail) + tail, form, "N"),
        identifier=f"{number:06d}",
    )
    rows["demographics"].append((own, "", "", f"{2026 - year - 5}-{1 + number % 12:02d}-15", "female"))
    taught = mine[homes:]
    chosen = [form, *(taught[(number + place * 3) % len(taught)] for place in range(CLASSES_OF_A_PUPIL))]
    for place, group in enumerate(dict.fromkeys(chosen)):
        rows["enrollments"].append((f"enr-{number}-{place}", "", "", group, "org", own, "student", ""))


def _person(
    rows: dict[str, list[Sequence[Any]]],
    key: str,
    given: str,
    family: str,
    role: str,
    *,
    email: str = "",
    sms: str = "",
    identifier: str = "",
    tail: tuple[Any, ...] = ("", "", "", "", ""),
) -> None:
    about = (key, "", "", "true", email, "", given, family, "", identifier, email, sms, "", *tail)
    rows["users"].append(about)
    rows["roles"].append((f"rol-{key}", "", "", key, "primary", role, "", "", "org"))


def _table(heading: str, held: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    written = csv.writer(out, lineterminator="\r\n")
    written.writerow(heading.split(","))
    written.writerows(held)
    return out.getvalue().encode()
