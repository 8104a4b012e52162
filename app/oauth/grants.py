"""Grant management (the FAPI draft): an app asks for a change of what a school has granted it.

A grant is the school's authorisation, and `grant_id` its id, which stays while the authorisation is in force.
"""

import re
import uuid

from app.db import Session
from app.errors import OAuthError
from app.models.authorisation import Authorisation
from app.models.partner import App
from app.models.school import School
from app.oauth import details
from app.oauth.request import Parameters
from app.oauth.store import Client

CREATE, MERGE, REPLACE = "create", "merge", "replace"
ACTIONS = (CREATE, MERGE, REPLACE)
PARAMETERS = ("grant_id", "grant_management_action")
PATH = "/oauth/grants"


def check(_app: App | Client, sent: Parameters) -> None:
    """Raises OAuthError invalid_request for an action that makes no sense."""
    named, action = sent.get("grant_id"), sent.get("grant_management_action")
    if action is not None and action not in ACTIONS:
        raise OAuthError("invalid_request", f"grant_management_action is one of {', '.join(ACTIONS)}.")
    if action in (MERGE, REPLACE) and named is None:
        raise OAuthError("invalid_request", f"grant_management_action={action} needs a grant_id.")
    if action == CREATE and named is not None:
        raise OAuthError("invalid_request", "grant_management_action=create goes without a grant_id.")


def named(db: Session, app_id: uuid.UUID, sent: Parameters) -> Authorisation | None:
    """The grant that a request is about; None where it names none. Raises OAuthError invalid_grant_id."""
    if sent.get("grant_id") is None:
        return None
    found = of_app(db, sent.required("grant_id"), app_id)
    if found is None or not found.is_active:
        raise unknown(400)
    return found


def replaces(sent: Parameters) -> bool:
    """Whether the app wants the grant to become exactly what is agreed to now, and no more."""
    return sent.get("grant_management_action") == REPLACE


def names_a_school(sent: Parameters) -> bool:
    """Whether a request may be decided for one school alone."""
    return sent.get("grant_id") is not None or details.urn(sent) is not None


def is_about(sent: Parameters, grant: Authorisation | None, school: School) -> bool:
    """Whether a request may be decided for this school: naming a grant, or a school, it is about no other."""
    urn = details.urn(sent)
    return (grant is None or grant.school_id == school.id) and urn in (None, school.urn)


def of_app(db: Session, grant_id: str, app_id: uuid.UUID) -> Authorisation | None:
    """The grant, ended or not; None for an id that is unknown, another app's or not in its usual form."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", grant_id):
        return None
    return Authorisation.of_app(db, uuid.UUID(grant_id), app_id)


def unknown(status: int) -> OAuthError:
    return OAuthError("invalid_grant_id", "This app has no grant of this id that is in force.", status)
