"""Where a school asks that what an app read be deleted."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.errors import NotFound
from app.models.account import STOPPING
from app.models.authorisation import Authorisation
from app.models.receipt import DeletionRequest
from app.settings import settings
from app.sharing.deletion import ask as ask_for_deletion
from app.signin.session import at_school
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/apps/{authorisation_id}/deletion", include_in_schema=False)


@router.get("")
def ask(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Say what the partner is asked, and by when."""
    with sessions.read() as db:
        _, school = at_school(request, db, *STOPPING)
        given = Authorisation.at_school(db, authorisation_id, school.id)
        if given is None:
            raise NotFound
        asked = DeletionRequest.of(db, given.id)
    if asked or given.is_active:
        return see_other(f"/school/apps/{given.id}")
    return page(request, "sharing/deletion.html", given=given, school=school, days=settings.deletion_days)


@router.post("")
def submit(request: Request, authorisation_id: uuid.UUID) -> Response:
    """Ask. Pressed twice, it is asked once."""
    with sessions.begin() as db:
        person, school = at_school(request, db, *STOPPING)
        ask_for_deletion(db, person=person, school=school, authorisation_id=authorisation_id)
    return see_other(f"/school/apps/{authorisation_id}#deletion")
