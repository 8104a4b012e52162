"""Proving once more who one is, before a change that whoever finds an open browser must not make."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from app.signin.session import Person, recently
from app.web.pages import see_other

PROOF_SECONDS = 600  # the proof was given once more inside the session, and at most this long before


def proven_lately(request: Request, person: Person, path: str = "") -> Response | None:
    """Where to send somebody who must prove first who they are; None when they did so inside this session lately.

    `path` is the page to come back to, a path of ours; without it the one that was asked for. Ask this before a form
    is shown and again when it is posted.
    """
    session = person.session
    if session.proved_at > session.signed_in_at and recently(person, PROOF_SECONDS):
        return None
    return see_other(f"/account/confirm?next={quote(path or request.url.path, safe='/')}")
