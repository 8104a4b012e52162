"""An invented school as its system would export it: OneRoster, spreadsheets and a Common Transfer File of one truth."""

import csv
import dataclasses
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.models.base import today

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
GIVEN = ("Ada", "Zoë", "Siân", "Muhammad", "Jean-Luc", "王小明", "Oluwaseun", "Chloé", "Tom", "Aoife")
FAMILY = ("Smith", "O’Brien", "Llŷr-Jones", "Khan", "Ní Dhónaill", "Okafor", "D'Arcy", "Brontë", "Nowak", "Li")
HEADINGS = {
    "manifest": "propertyName,value",
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds",
    "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,preferredGivenName,metadata.upn,metadata.regGroup,metadata.leavingDate",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex",
}


def upn(serial: int) -> str:
    """A permanent one with the right check letter."""
    tail = f"8882999{serial:05d}"[:12]
    return LETTERS[sum(weight * int(digit) for weight, digit in enumerate(tail, 2)) % 23] + tail


@dataclasses.dataclass
class Pupil:
    number: int
    given: str
    family: str
    year: int
    form: str
    born: dt.date
    sex: str
    upn: str
    email: str
    leaves: dt.date | None = None


class School:
    """Pupils, one contact each, a teacher for each form; the first teacher's child is the first pupil."""

    def __init__(self, pupils: int = 24, first_year: int = 7, years: int = 3) -> None:
        self.pupils = [self._pupil(number, first_year + number % years) for number in range(1, pupils + 1)]
        self.forms = sorted({pupil.form for pupil in self.pupils})

    @staticmethod
    def _pupil(number: int, year: int) -> Pupil:
        given, family = GIVEN[number % 10], FAMILY[number * 7 % 10]
        born = dt.date(2026 - year - 5, 1 + number % 12, 1 + number % 28)
        sex, email = "MF"[number % 2], f"pupil{number}@school.example"
        return Pupil(number, given, family, year, f"{year}{'AB'[number % 2]}", born, sex, upn(number), email)

    def contact_of(self, pupil: Pupil) -> tuple[str, str, str]:
        """(name, e-mail, mobile). The first pupil's is a teacher."""
        if pupil.number == 1:
            return self.teacher(self.forms[0])[0], self.teacher(self.forms[0])[1], ""
        return "Pat", f"pat{pupil.number}@home.example", f"07700900{pupil.number % 1000:03d}"

    def teacher(self, form: str) -> tuple[str, str]:
        """(given name, e-mail)."""
        return f"Terry{form}", f"terry.{form.lower()}@school.example"

    def tables(self, *, mode: str = "bulk") -> dict[str, list[Sequence[Any]]]:
        """The rows of a OneRoster 1.2 bundle, headings left out."""
        found: dict[str, list[Sequence[Any]]] = {name: [] for name in HEADINGS}
        found["manifest"] = [("manifest.version", "1.0"), ("oneroster.version", "1.2")]
        found["manifest"] += [(f"file.{name}", mode) for name in HEADINGS if name != "manifest"]
        found["orgs"] = [("org-1", "", "", "Elm Park School", "school", "888/2999", "")]
        found["academicSessions"] = [
            ("sy", "", "", "2026/2027", "schoolYear", "2026-09-01", "2027-08-31", "", "2027"),
            ("t1", "", "", "Autumn Term", "term", "2026-09-01", "2026-12-18", "sy", "2027"),
        ]
        for form in self.forms:
            found["courses"].append((f"crs-{form}", "", "", "sy", form, form, form[:-1], "org-1", ""))
            row = (f"cls-{form}", "", "", form, form[:-1], f"crs-{form}", form, "homeroom", "Room 1", "org-1", "t1")
            found["classes"].append(row)
            given, email = self.teacher(form)
            blank = ("", "", "", "")
            found["users"].append(
                (f"stf-{form}", "", "", "true", email, "", given, "Teacher", "", "", email, *blank, "", "", "", "")
            )
            found["roles"].append((f"rol-{form}", "", "", f"stf-{form}", "primary", "teacher", "", "", "org-1"))
            found["enrollments"].append(
                (f"ent-{form}", "", "", f"cls-{form}", "org-1", f"stf-{form}", "teacher", "true")
            )
        for pupil in self.pupils:
            self._add(found, pupil)
        return found

    def _add(self, found: dict[str, list[Sequence[Any]]], pupil: Pupil) -> None:
        own, name, mail, mobile = f"pup-{pupil.number}", *self.contact_of(pupil)
        contact = f"stf-{self.forms[0]}" if pupil.number == 1 else f"con-{pupil.number}"
        leaves = pupil.leaves.isoformat() if pupil.leaves else ""
        found["users"].append(
            (
                own,
                "",
                "",
                "true",
                pupil.email,
                "",
                pupil.given,
                pupil.family,
                "",
                f"{pupil.number:06d}",
                pupil.email,
                "",
                "",
                contact,
                pupil.year,
                "",
                pupil.upn,
                pupil.form,
                leaves,
            )
        )
        found["roles"].append((f"rol-{own}", "", "", own, "primary", "student", "", "", "org-1"))
        found["demographics"].append((own, "", "", pupil.born.isoformat(), {"M": "male", "F": "female"}[pupil.sex]))
        found["enrollments"].append((f"enr-{own}", "", "", f"cls-{pupil.form}", "org-1", own, "student", ""))
        if pupil.number != 1:
            row = (
                contact,
                "",
                "",
                "true",
                mail,
                "",
                name,
                pupil.family,
                "",
                "",
                mail,
                mobile,
                "",
                "",
                "",
                "",
                "",
                "",
                "",
            )
            found["users"].append(row)
        found["roles"].append((f"rol-c{pupil.number}", "", "", contact, "secondary", "parent", "", "", "org-1"))

    def oneroster(self, **changed: Any) -> bytes:
        return zipped({f"{name}.csv": table(HEADINGS[name], rows) for name, rows in self.tables(**changed).items()})

    def sims(self) -> bytes:
        """Three SIMS reports, in windows-1252 as SIMS writes them where it can."""
        pupils = [
            (
                f"{one.number:06d}",
                one.upn,
                one.family,
                one.given,
                "Male" if one.sex == "M" else "Female",
                f"{one.born:%d/%m/%Y}",
                f"Year {one.year:2d}",
                one.form,
                one.email,
                f"{one.leaves:%d/%m/%Y}" if one.leaves else "",
            )
            for one in self.pupils
        ]
        staff = [
            (form, "Teacher", self.teacher(form)[0], "Class Teacher", self.teacher(form)[1]) for form in self.forms
        ]
        contacts = [
            (
                f"{one.number:06d}",
                one.upn,
                "1",
                "Mother",
                self.contact_of(one)[0],
                "Teacher" if one.number == 1 else one.family,
                "Y",
                *self.contact_of(one)[1:],
            )
            for one in self.pupils
        ]
        heading = "Adno,UPN,Legal Surname,Legal Forename,Gender,DOB,Year Group,Reg Group,Primary Email,Leaving Date"
        of_contact = "Adno,UPN,Priority,Relationship,Forename,Surname,Parental Responsibility,Email,Mobile"
        return zipped(
            {
                "pupils.csv": table(heading, pupils),
                "staff.csv": table("Staff Code,Surname,Forename,Role,Work Email", staff),
                "contacts.csv": table(of_contact, contacts),
            }
        )

    def ctf(self) -> bytes:
        pupils = "".join(
            f"<Pupil><UPN>{one.upn}</UPN><Surname>{one.family}</Surname><Forename>{one.given}</Forename>"
            f"<DOB>{one.born}</DOB><Sex>{one.sex}</Sex><BasicDetails><NCyearActual>{one.year}</NCyearActual></BasicDetails>"
            f"<Contacts><Contact><Order>1</Order><Surname>{one.family}</Surname><Forename>{self.contact_of(one)[0]}</Forename>"
            "<Relationship>PAM</Relationship><Responsibility>Y</Responsibility></Contact></Contacts></Pupil>\n"
            for one in self.pupils
            if one.leaves is None or one.leaves >= today()
        )
        head = "<Header><DocumentName>Common Transfer File</DocumentName></Header>"
        return f'<?xml version="1.0"?>\n<CTfile>{head}\n<CTFpupilData>{pupils}</CTFpupilData></CTfile>'.encode()


def table(heading: str, rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    written = csv.writer(out, lineterminator="\r\n")
    written.writerow(heading.split(","))
    written.writerows(rows)
    return out.getvalue().encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def changed(bundle: bytes, name: str, before: str, after: str) -> bytes:
    """The same ZIP with one text in one file put for another."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        files = {own: opened.read(own) for own in opened.namelist()}
    assert before.encode() in files[name], before
    return zipped(files | {name: files[name].replace(before.encode(), after.encode())})
