"""Whatever changes about an authorisation is told in one place.

The school gets its receipt and a mail, the partner a notice, and the audit a record.
"""

import uuid
from collections.abc import Sequence

from app.audit import record
from app.db import Session
from app.models.authorisation import Authorisation
from app.models.school import School
from app.notify import messages, notices
from app.notify.hand_over import hand_over
from app.sharing import receipts

# What happened → what the school's mail says.
KINDS = {
    "granted": "granted",
    "changed": "granted",
    "renewed": "granted",
    "paused": "paused",
    "resumed": "resumed",
    "revoked": "revoked",
    "returned": "returned",
    "expired": "expired",
}


def tell(
    db: Session,
    school: School,
    authorisation: Authorisation,
    kind: str,
    *,
    by: uuid.UUID | None,
    ended: Sequence[str] = (),
    **detail: str | int | bool | list[str] | None,
) -> None:
    """Tell of one change, a key of `KINDS`. `ended` are scopes that were agreed to before; `detail` is the audit's."""
    told = "narrowed" if ended else KINDS[kind]
    receipt = receipts.make(db, school, authorisation, kind, by=by, ended=ended)
    messages.authorisation_changed(db, school, authorisation.app, authorisation, told, ended=ended, receipt=receipt.id)
    tell_partner(db, school, authorisation, kind)
    if kind in ("granted", "changed", "renewed"):
        hand_over(db, school, authorisation)
    # The end of the audit is locked last, by everyone, so that nobody waits in a ring.
    action = "authorisation.granted" if kind in ("changed", "renewed") else f"authorisation.{kind}"
    app, scopes = str(authorisation.app_id), authorisation.scopes
    record(db, action, actor=by, school=school.id, subject=authorisation.id, app=app, scopes=scopes, **detail)


def tell_partner(db: Session, school: School, authorisation: Authorisation, kind: str) -> None:
    """The notice alone, for what stops or starts an authorisation without changing it."""
    facts = {
        "grant_id": str(authorisation.id),
        "school": {"urn": school.urn, "name": school.name, "status": school.status},
        "scopes": authorisation.scopes,
        "expires_at": authorisation.expires_at.isoformat(timespec="seconds"),
    }
    notices.tell(db, authorisation.app_id, f"authorisation.{kind}", facts)
