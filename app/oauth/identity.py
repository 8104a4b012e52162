"""A request that asks only who somebody is: who may go straight back to the app, under which authorisation, with what.

`openid` alone tells nobody's name, so no school has to agree; name and address are told to apps that it has agreed to.
"""

import dataclasses

from app.db import Session
from app.models.authorisation import Authorisation
from app.models.partner import App
from app.models.school import School
from app.models.scope import OPENID, only_identity
from app.oauth import authorization_code, grants
from app.oauth.checks import prompts, scopes
from app.oauth.request import Parameters
from app.sharing.service import CannotShare, Offer, decides, offer
from app.signin.session import Person


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the person takes back: these scopes, under the school's authorisation or, for `openid` alone, none."""

    authorisation: Authorisation | None
    scopes: list[str]

    def code(self, db: Session, app: App, sent: Parameters, person: Person) -> str:
        return authorization_code.make(db, person, app, sent, under=self.authorisation, granted=self.scopes)


def is_asked_alone(sent: Parameters) -> bool:
    """Whether no data are asked for, and no change of what the school has granted."""
    return only_identity(scopes(sent)) and not any(sent.get(name) for name in grants.PARAMETERS)


def with_openid(offered: Offer) -> Offer:
    """The offer without `openid` as a choice: a school is told of it, but each of its people may do that anyway."""
    lines = [dataclasses.replace(line, required=line.required or line.scope == OPENID) for line in offered.lines]
    return dataclasses.replace(offered, lines=lines)


def needs_no_school(sent: Parameters) -> bool:
    return is_asked_alone(sent) and scopes(sent) == [OPENID]


def may_use(db: Session, app: App, person: Person) -> bool:
    """A Test app is for people of test schools."""
    ids = [held.school_id for held in person.memberships if held.school_id]
    return app.is_live or any(school.is_test for school in (School.by_id(db, found) for found in ids) if school)


def at_once(db: Session, app: App, sent: Parameters, person: Person) -> Answer | None:
    """As `straight`, for somebody who need not be asked either for which school: who has one, or none to be asked."""
    ids = {held.school_id for held in person.memberships if held.school_id}
    chosen = person.session.school_id in ids
    school = School.by_id(db, person.school_id) if person.school_id and (chosen or len(ids) == 1) else None
    return straight(db, app, sent, person, school)


def straight(db: Session, app: App, sent: Parameters, person: Person, school: School | None) -> Answer | None:
    """What the person, working for this school, takes back without being asked; None where there is nothing yet.

    An Admin can agree to the rest, and so is asked about it; everybody else goes with what the school has agreed to,
    if that will do.
    """
    if needs_no_school(sent):
        return Answer(None, [OPENID]) if may_use(db, app, person) else None
    if school is None or not is_asked_alone(sent) or ("consent" in prompts(sent) and decides(person, school)):
        return None
    try:
        offered = offer(db, app, scopes(sent), school)
    except CannotShare:
        return None
    granted = [scope for scope in scopes(sent) if offered.active and scope in offered.active.scopes]
    needed = {line.scope for line in with_openid(offered).lines if line.required or decides(person, school)}
    return Answer(offered.active, granted) if granted and needed.issubset(granted) else None
