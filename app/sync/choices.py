"""What a school has chosen for one app, as it is kept (JSON) and as a plan takes it."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from app.models.roster.person import YEARS
from app.sharing import years
from app.sync import passwords, usernames
from app.sync.facts import Choices

STEPS = ("classes", "usernames", "passwords", "years", "subjects", "summary")
EXISTING = "existing"


@dataclasses.dataclass(frozen=True)
class Answers:
    """Every answer, whether given or usual. Years are NC years; `years` leads from what the MIS writes to one of them.

    `same`: person → user; `different`: (person, user) that are two; `renamed`: the app's class → its new name.
    """

    pupil_form: str = usernames.FORENAME_INITIAL
    staff_form: str = usernames.INITIAL_SURNAME
    staff: bool = True
    only_teachers: bool = True
    passwords: Mapping[str, str] = dataclasses.field(default_factory=dict)
    years: Mapping[str, str] = dataclasses.field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    same: Mapping[int, int] = dataclasses.field(default_factory=dict)
    different: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Answers":
        """Of what was kept. What is not understood any more counts as not answered."""
        usual = cls()
        return cls(
            pupil_form=_one_of(usernames.FORMS, kept.get("pupil_form"), usual.pupil_form),
            staff_form=_one_of(usernames.FORMS, kept.get("staff_form"), usual.staff_form),
            staff=bool(kept.get("staff", usual.staff)),
            only_teachers=bool(kept.get("only_teachers", usual.only_teachers)),
            passwords={year: form for year, form in kept.get("passwords", {}).items() if form in passwords.FORMS},
            years={told: year for told, year in kept.get("years", {}).items() if year in YEARS},
            subjects=tuple(kept.get("subjects", ())),
            renamed=dict(kept.get("renamed", {})),
            same={int(person): user for person, user in kept.get("same", {}).items()},
            different=frozenset((person, user) for person, user in kept.get("different", ())),
        )

    def kept(self) -> dict[str, Any]:
        """As JSON has it."""
        made = dataclasses.asdict(self)
        made["subjects"] = sorted(self.subjects)
        made["same"] = {str(person): user for person, user in sorted(self.same.items())}
        made["different"] = sorted([person, user] for person, user in self.different)
        return made

    def for_plan(self) -> Choices:
        return Choices(self.pupil_form, self.staff_form, self.staff, self.only_teachers, self.same, self.different)

    @staticmethod
    def subjects_of(subjects: Iterable[str], title: str) -> frozenset[str]:
        """By which of a group's words it can be chosen: its subjects, or its title where it names none."""
        return frozenset(subjects) or frozenset((title,))

    def password_form(self, year: str) -> str:
        """The form of first passwords of an NC year."""
        return self.passwords.get(year) or passwords.usual(year)

    def year_of(self, as_sent: str, guessed: str) -> str:
        """The NC year that the school says a name of its MIS means, or else the one that we take it for."""
        return self.years.get(as_sent, guessed)


def label(year: str) -> str:
    """What an NC year is called in apps: 'Year 6', 'Reception'; empty without one."""
    return years.words(year) if year and year != "X" else ""


def nc_year(named: str) -> str:
    """The NC year that `label` calls so; empty where none is."""
    return next((year for year in YEARS if label(year) == named), "")


def _one_of(known: Iterable[str], told: Any, usual: str) -> str:
    return told if told in set(known) else usual
