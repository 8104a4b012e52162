"""The invitations whose links this browser has followed, found again after signing in or registering a school."""

import uuid
from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from app.db import Session
from app.models.invitation import Invitation
from app.secrets import sign, signed
from app.settings import settings
from app.web import cookies

COOKIE = "invitation"
MOST = 5


def keep(request: Request, response: Response, invitation_id: uuid.UUID) -> None:
    """Let the browser remember it, as the newest. It proves that the link was followed, and nothing else."""
    others = [known for known in _kept(request) if known != invitation_id]
    kept = [known.hex for known in [invitation_id, *others][:MOST]]
    cookies.put(response, COOKIE, sign(kept, COOKIE), _seconds())


def found(request: Request, db: Session, invitation_id: uuid.UUID) -> Invitation | None:
    """One whose link this browser has followed; another is None, as if it were absent."""
    return Invitation.by_id(db, invitation_id) if invitation_id in _kept(request) else None


def pending(request: Request, db: Session, urns: Collection[int]) -> Invitation | None:
    """The newest one of this browser that still waits for an answer of one of these establishments."""
    known = (Invitation.by_id(db, invitation_id) for invitation_id in _kept(request))
    return next((invitation for invitation in known if invitation and _waits(invitation, urns)), None)


def path(invitation: Invitation) -> str:
    """Where it goes on."""
    return f"/invitation/{invitation.id}"


def _waits(invitation: Invitation, urns: Collection[int]) -> bool:
    return invitation.is_open and invitation.urn in urns and not invitation.app.is_suspended


def _kept(request: Request) -> list[uuid.UUID]:
    return [
        uuid.UUID(known) for known in signed(request.cookies.get(cookies.name(COOKIE), ""), COOKIE, _seconds()) or []
    ]


def _seconds() -> int:
    return settings.invitation_days * 86_400
