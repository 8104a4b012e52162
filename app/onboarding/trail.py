"""What was decided about a school, when and by whom, in words, read from the audit."""

import uuid

from app.db import Session
from app.models import event
from app.models.account import Account
from app.models.event import Happening

MOST = 200
WORDS = {
    "school.registered": "Registered",
    "school.verified": "Approved: the school is Verified",
    "school.rejected": "Registration rejected",
    "school.suspended": "Suspended",
    "school.resumed": "Resumed",
    "school.closed": "Closed",
    "school.recheck_flagged": "The register has changed since the check",
    "school.rechecked": "Checked again after the register changed",
    "school.frozen": "School stopped all data sharing",
    "school.unfrozen": "School let data sharing go on",
    "school.reviewed": "School reviewed its data sharing",
    "case.taken": "Case taken",
    "case.released": "Case released",
    "case.called": "School called",
    "case.letter_sent": "Letter to the head printed",
    "case.code_replaced": "New code made for the registrant",
    "case.asked": "Asked the school for more",
    "case.answered": "School answered",
    "authorisation.granted": "App authorised",
    "authorisation.revoked": "App revoked",
    "authorisation.returned": "Authorisation given back by the app",
    "authorisation.paused": "App paused",
    "authorisation.resumed": "App resumed",
    "authorisation.expired": "Authorisation of an app ran out",
    "authorisation.kept": "Authorisation of an app kept as it was",
    "deletion.requested": "Partner asked to delete what its app read",
    "deletion.attested": "Partner said that it deleted what its app read",
    "invitation.authorised": "Partner’s invitation answered with yes",
    "invitation.declined": "Partner’s invitation declined",
    "invitation.forwarded": "Partner’s invitation passed on to somebody else",
    "invitation.cancelled": "Partner’s invitation cancelled",
    "batch.confirmed": "Held data taken in",
    "batch.cancelled": "Held data turned away",
    "batch.mapped": "School said what the columns of its file mean",
    "data.switched_off": "School switched off sending data on purpose",
    "data.switched_on": "School switched sending data on again",
    "endpoint.enrolled": "Agent approved",
    "endpoint.refused": "Agent refused",
    "endpoint.removed": "Agent removed",
    "guide.password_set": "Password of the Integris account given",
    "installation.booked": "Time to install the agent booked",
    "installation.moved": "Time to install the agent moved",
    "installation.contact_changed": "Contact for the installation changed",
    "installation.cancelled": "Time to install the agent cancelled",
    "installation.withdrawn": "Time to install the agent taken back by the team",
    "installation.done": "Installation noted as done",
    "sync.finished": "Accounts in an app synced with the MIS",
    "passwords.handed_out": "First passwords for an app printed or downloaded",
    "passwords.reset": "First passwords for an app made anew",
    "user.added": "A pupil added to an app by hand",
    "user.archived": "A pupil who was added by hand archived",
    "person.excluded": "Somebody excluded from data sharing",
    "person.included": "Exclusion of somebody ended",
    "person.welcomed": "Somebody asked to join",
    "person.joined": "Somebody joined",
    "person.withdrawn": "Link to join withdrawn",
    "person.role_changed": "Role changed",
    "person.removed": "Access of a person ended",
    "access.asked": "Asked for a second step, or an Admin, to be replaced",
    "access.called": "School called about access",
    "access.letter_sent": "Letter to the head about access printed",
    "access.approved": "Access case approved: objection window open",
    "access.refused": "Access case refused",
    "access.stopped": "Access case stopped by somebody concerned",
    "access.done": "Access case carried out",
    "account.password_changed": "Password changed",
    "account.second_step_added": "Second step added",
    "account.second_step_removed": "Passkey removed",
    "account.recovery_codes_made": "Recovery codes made",
    "account.recovery_code_used": "Signed in with a recovery code",
    "account.signed_out_elsewhere": "Signed out elsewhere",
}


def of_school(db: Session, school_id: uuid.UUID) -> list[Happening]:
    """The newest decisions about one school, newest first."""
    rows = event.of_school(db, school_id, MOST)
    who = Account.names(db, [row.actor_id for row in rows])
    return [Happening(row.happened_at, _said(row), who.get(row.actor_id, "") if row.actor_id else "") for row in rows]


def _said(row: event.Event) -> str:
    said = WORDS.get(row.action, row.action)
    if row.action in ("case.called", "access.called") and row.detail.get("letter"):
        said = "School rang about the letter"
    outcome = row.detail.get("outcome")
    return f"{said}: {outcome}" if outcome else said
