"""`/school/sync/{app}/compare`: look into the app by SCIM, and send what differs once more."""

import uuid

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.db import sessions
from app.errors import Problem
from app.models.account import DECIDING
from app.models.app_user import AppGroup, AppUser
from app.signin.session import at_school
from app.sync import allowed, comparing, existing, pushing, service
from app.sync.comparing import Comparison
from app.sync.scim import Away, Refused
from app.web.pages import page, see_other

router = APIRouter(prefix="/school/sync/{app_id}/compare", include_in_schema=False)


class Unread(Problem):
    """The app did not show its users."""

    status = 502
    title = "The app’s users cannot be read now"


@router.get("")
def look(request: Request, app_id: uuid.UUID) -> Response:
    """What is in the app beside what is here. Nothing is changed."""
    found = _compared(request, app_id)
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        given = allowed.authorised(db, school.id, app_id)
    return page(request, "sync/compare.html", given=given, found=found)


@router.post("/mend")
def mend(request: Request, app_id: uuid.UUID) -> Response:
    """Send everybody who is missing or different there once more."""
    found = _compared(request, app_id)
    wanted = {*found.missing, *(name for name, _ in found.different)}
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
    with sessions.begin(school=school.id) as db:
        person, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        users = [one for one in AppUser.of_app(db, school.id, app_id) if one.username in wanted]
        for user in users:
            if user.username in found.missing:
                user.outside_id = ""  # what the app called them is there no more
        for group in AppGroup.of_app(db, school.id, app_id):
            if group.title in found.missing_classes:
                group.outside_id = ""
        service.push(db, school, app_id, person.account, [one.id for one in users], more=found.missing_classes)
    return see_other(f"/school/sync/{app_id}")


def _compared(request: Request, app_id: uuid.UUID) -> Comparison:
    """Raises NotFound where the app has no SCIM service, and Unread."""
    with sessions.read() as db:
        _, school = at_school(request, db, *DECIDING)
        allowed.authorised(db, school.id, app_id)
        of_app, _ = pushing.service_of(db, school.id, app_id)
    try:
        listed, titles = existing.from_scim(of_app)
    except (Refused, Away) as wrong:
        raise Unread(f"{wrong}. Try again later.") from wrong
    with sessions.read(school=school.id) as db:
        users, groups = AppUser.of_app(db, school.id, app_id), AppGroup.of_app(db, school.id, app_id)
    return comparing.compare(users, groups, listed, titles)
