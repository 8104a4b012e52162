"""Everything that the page of one case shows."""

import dataclasses
import datetime as dt
import uuid

from app.db import Session
from app.models.account import Account
from app.models.base import now
from app.models.establishment import Establishment
from app.models.school import School
from app.models.verification import CALLED, CONFIRMED, NEW, WAITING, WRONG_CODE, Call, Note, Verification
from app.onboarding import calls, domains, numbers
from app.onboarding.cases import DECIDERS
from app.onboarding.evidence import Finding, findings
from app.onboarding.forms import CallForm, LetterCodeForm
from app.registration.working_days import between, remaining
from app.signin.session import Person
from app.web.pages import LONDON, day


@dataclasses.dataclass(frozen=True)
class Clock:
    """How a case stands against its target, in words and a tag's colour (empty: plain text)."""

    words: str
    tone: str = ""


@dataclasses.dataclass(frozen=True)
class Dossier:
    """`number`: the one to ring, None where only a letter reaches the school. `names`: operators by account id."""

    case: Verification
    school: School
    establishment: Establishment | None
    registrant: Account | None
    findings: list[Finding]
    cases_of: dict[uuid.UUID, uuid.UUID]
    calls: list[Call]
    notes: list[Note]
    names: dict[uuid.UUID, str]
    clock: Clock
    number: str | None
    mobile: str
    website: str
    needs_letter: bool
    me: Account
    role: str

    @property
    def may_call(self) -> bool:
        """Calls confirm a case that is New or Called; a waiting one goes on when the school has answered."""
        return self.case.state in (NEW, CALLED)

    @property
    def may_decide(self) -> bool:
        return self.role in DECIDERS

    @property
    def heard_it_myself(self) -> bool:
        """Four eyes: whoever heard the code does not approve."""
        return self.case.confirmed_by == self.me.id

    @property
    def may_approve(self) -> bool:
        return self.may_decide and self.case.state == CONFIRMED and not self.heard_it_myself

    @property
    def printed_it_myself(self) -> bool:
        """Whoever printed the letter does not hear its code."""
        return self.case.letter_by == self.me.id

    @property
    def wrong_codes(self) -> list[Call]:
        """The calls in which a wrong code was read out, of codes since replaced too."""
        return [call for call in self.calls if call.outcome == WRONG_CODE]

    @property
    def is_mine(self) -> bool:
        return self.case.taken_by == self.me.id

    @property
    def fields(self) -> set[str]:
        """The fields on the page as it stands; a mistake in any other, of a page grown old, is told without a link."""
        found = {"note"}
        if self.case.is_open:
            found |= {"answer"} if self.case.state == WAITING else {"question"}
            found |= {"planned"} if self.may_call else set()
            found |= {"reason"} if self.may_decide else set()
        if self.may_call and self.number:
            found |= set(CallForm.model_fields)
        if self.may_call and self.case.letter_sealed and not self.printed_it_myself:
            found |= set(LetterCodeForm.model_fields)
        return found


def gather(db: Session, case: Verification, school: School, person: Person) -> Dossier:
    """The dossier of one case, as this operator sees it. The codes are not in it."""
    establishment = Establishment.by_urn(db, school.urn)
    claimant = calls.registrant(db, school)
    found = findings(school, establishment, claimant, School.of_urn(db, school.urn))
    made, notes = Call.of(db, case.id), Note.of(db, case.id)
    people = [case.taken_by, case.confirmed_by, case.decided_by, case.letter_by]
    people += [call.called_by for call in made] + [note.written_by for note in notes]
    number = calls.number_to_ring(establishment, claimant)
    return Dossier(
        case=case,
        school=school,
        establishment=establishment,
        registrant=claimant,
        findings=found,
        cases_of=Verification.of_schools(db, [other.id for finding in found for other in finding.others]),
        calls=made,
        notes=notes,
        names=Account.names(db, people),
        clock=clock(case, now()),
        number=number,
        mobile=numbers.readable(claimant.mobile) if claimant else "",
        website=_address(establishment),
        needs_letter=calls.needs_letter(db, case, number),
        me=person.account,
        role=person.operator_role or "",
    )


def clock(case: Verification, at: dt.datetime) -> Clock:
    """Our time in working days; the school's time is told apart and never counts."""
    if case.state == WAITING and case.waiting_since:
        waited = between(case.waiting_since, at)
        days = f"Waiting {waited} working day{'' if waited == 1 else 's'}" if waited else "Asked today"
        return Clock(days, "orange")
    if not case.is_open:
        return Clock(f"{case.state} on {day(case.decided_at)}" if case.decided_at else case.state)
    words = remaining(at, case.due_at)
    if case.is_overdue(at):
        return Clock(f"Overdue: {words}", "red")
    return Clock(words[0].upper() + words[1:], "" if between(at, case.due_at) > 0 else "yellow")


def short(moment: dt.datetime | None) -> str:
    """A moment of these weeks, as short as a table wants it: `Thu 26 Nov, 5pm`."""
    if moment is None:
        return ""
    local = moment.astimezone(LONDON)
    minutes = f":{local:%M}" if local.minute else ""
    return f"{local:%a} {local.day} {local:%b}, {local.hour % 12 or 12}{minutes}{'am' if local.hour < 12 else 'pm'}"


def _address(establishment: Establishment | None) -> str:
    """A link to the school's website; empty where the register's text is no web address."""
    website = establishment.website if establishment else None
    host = domains.of_website(website)
    return f"http://{host}/" if host else ""
