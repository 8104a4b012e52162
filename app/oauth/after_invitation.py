"""The first request of an app that a school has just authorised by an invitation needs no second decision.

Once for each invitation, within the hour, for the Admin who decided and for that school; else the usual page is shown.
"""

import dataclasses

from app.db import Session
from app.models.invitation import Invitation
from app.models.school import School
from app.oauth import grants
from app.oauth.checks import prompts, scopes
from app.oauth.identity import Answer
from app.oauth.request import Parameters
from app.sharing import invitations
from app.sharing.service import Offer, decides
from app.signin.session import Person


@dataclasses.dataclass(frozen=True)
class Finishing:
    """What the person takes back, if they are the one who finishes the invitation."""

    invitation: Invitation
    answer: Answer

    def wins(self, db: Session) -> bool:
        """Use the invitation up; False when it has been meanwhile."""
        return self.invitation.finish(db)


def finishing(db: Session, sent: Parameters, person: Person, school: School, terms: Offer) -> Finishing | None:
    """The scopes asked for that the invitation was answered with; None where the school has to be asked."""
    active = terms.active
    if active is None or active.state != "Active" or "consent" in prompts(sent) or grants.replaces(sent):
        return None
    asked = scopes(sent)
    needed = {row.scope for row in terms.app.scopes if row.required and row.scope in asked}
    if not decides(person, school) or not needed.issubset(active.scopes):
        return None
    invitation = invitations.to_finish(db, terms.app, person, school)
    granted = [scope for scope in asked if scope in active.scopes]
    if invitation is None or invitation.authorisation_id != active.id or not granted:
        return None
    return Finishing(invitation, Answer(active, granted))
