"""The pages on which a school decides about an app's request: who you are, for which school, yes or no.

The request waits in the database, bound to the browser that brought it, while its person signs in or registers.
"""

import dataclasses
import uuid
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import OAuthError
from app.models.account import ADMIN
from app.models.authorisation import Authorisation
from app.models.partner import App
from app.models.school import School
from app.models.token import AuthorizationRequest
from app.oauth import answer, authorization_code, grants, identity
from app.oauth.after_invitation import Finishing, finishing
from app.oauth.checks import check, identified, is_expected, is_fresh, scopes
from app.oauth.request import Parameters
from app.sharing import years
from app.sharing.service import CannotShare, Offer, decides, facts, grant, offer
from app.sharing.shown import CHANGED, UNDECIDED, fingerprint, seen
from app.signin.session import Person, choose_school, visitor
from app.web import remembered
from app.web.forms import Fault, Posted
from app.web.pages import page, see_other

router = APIRouter(include_in_schema=False)


@dataclasses.dataclass(frozen=True)
class Open:
    """A request that still waits, before a person who has signed in as the app demands."""

    waiting: AuthorizationRequest
    app: App
    sent: Parameters
    person: Person
    named: Authorisation | None  # the grant that the request is about

    def schools(self, db: Session) -> list[School]:
        """Where this person may decide about the request; where only who they are is asked, all they belong to."""
        about_person = identity.is_asked_alone(self.sent)
        held = [one for one in self.person.memberships if one.school_id and (about_person or one.role == ADMIN)]
        ids = dict.fromkeys(one.school_id for one in held if one.school_id)
        schools = [school for school in (School.by_id(db, school_id) for school_id in ids) if school]
        return [school for school in schools if grants.is_about(self.sent, self.named, school)]


@router.get("/oauth/authorize/{request_id}")
def ask(request: Request, request_id: uuid.UUID, choose: bool = False) -> Response:
    """The page for where things stand: sign in, choose a school, or decide; or home, with nothing left to decide."""
    with sessions.read() as db:
        open_ = _open(request, db, request_id)
        if isinstance(open_, Response):
            return open_
        offered = _offered(request, db, open_, choose)
        if isinstance(offered, Response):
            return offered
        if not isinstance(offered, identity.Answer) and (choose or not _finishing(db, open_, *offered)):
            return _decision_page(request, open_, *offered)
    return _go_home(request, request_id)


@router.post("/oauth/authorize/{request_id}/school")
def choose(request: Request, request_id: uuid.UUID, sent: Posted) -> Response:
    """Decide for this one of one's schools."""
    with sessions.begin() as db:
        open_ = _open(request, db, request_id)
        if isinstance(open_, Response):
            return open_
        schools = open_.schools(db)
        chosen = next((school for school in schools if str(school.id) == sent.get("school")), None)
        if chosen is None and schools:
            fault = Fault("Choose a school", "school")
            return _choice_page(request, open_, schools, 422, sent=sent, problems=[fault])
        if chosen is None:
            return see_other(remembered.path(open_.waiting))
        choose_school(db, open_.person, chosen.id)
    return see_other(remembered.path(open_.waiting))


@router.post("/oauth/authorize/{request_id}")
def decide(request: Request, request_id: uuid.UUID, sent: Posted) -> Response:
    """Authorise or decline, once, and send the browser home to the app."""
    with sessions.begin() as db:
        open_ = _open(request, db, request_id)
        if isinstance(open_, Response):
            return open_
        if sent.get("decision") == "decline":
            if not open_.waiting.complete(db):
                return _finished(request, open_.app)
            return answer.with_error(open_.sent, OAuthError("access_denied", "The school declined."))
        offered = _offered(request, db, open_)
        if isinstance(offered, Response):
            return offered
        if isinstance(offered, identity.Answer):
            return _told(request, db, open_, offered)
        school, terms = offered
        if sent.get("shown") != fingerprint(school, terms):
            return _decision_page(request, open_, school, terms, 409, problems=[CHANGED])
        chosen = terms.chosen(line.scope for line in terms.lines if sent.get(f"scope-{line.scope}") == "yes")
        if sent.get("decision") != "authorise" or not chosen:
            return _decision_page(request, open_, school, terms, 422, sent=sent, problems=[UNDECIDED])
        agreed = [*chosen, *(line.scope for line in terms.kept)]
        try:
            covered = years.chosen(school.id, agreed, sent, terms.active.years if terms.active else None)
        except years.NoYear:
            return _decision_page(request, open_, school, terms, 422, sent=sent, problems=[years.NONE_CHOSEN])
        if not open_.waiting.complete(db):
            return _finished(request, open_.app)
        given = grant(db, person=open_.person, school=school, app=open_.app, scopes=agreed, years=covered)
        code = authorization_code.make(db, open_.person, open_.app, open_.sent, under=given, granted=chosen)
    return answer.with_code(open_.sent, code)


def _open(request: Request, db: Session, request_id: uuid.UUID) -> Open | Response:
    """The request and its person; or the page for whatever is in the way of deciding."""
    waiting = remembered.found(request, db, request_id)
    if waiting is None:
        return page(request, "oauth/unknown.html", 404)
    sent = Parameters(**waiting.parameters)
    person = visitor(request, db)
    try:
        app = identified(db, sent)
    except OAuthError as wrong:
        return answer.on_page(request, None, wrong)
    if waiting.completed_at:
        return _finished(request, app)
    request.state.form_targets = remembered.form_targets(app)
    try:
        check(app, sent)
        named = grants.named(db, app.id, sent)
        expected = is_expected(db, app, sent, person)
    except OAuthError as wrong:
        return answer.with_error(sent, wrong) if person else answer.on_page(request, app, wrong)
    if person is None:
        about_person = identity.is_asked_alone(sent)
        path = remembered.path(waiting)
        return page(request, "oauth/start.html", app=app, facts=facts(app), path=path, about_person=about_person)
    if not expected or not is_fresh(person, sent, waiting):
        path = remembered.path(waiting)
        return page(request, "oauth/sign_in_again.html", app=app, path=path, somebody_else=not expected)
    return Open(waiting, app, sent, person, named)


def _go_home(request: Request, request_id: uuid.UUID) -> Response:
    with sessions.begin() as db:
        open_ = _open(request, db, request_id)
        if isinstance(open_, Response):
            return open_
        offered = _offered(request, db, open_)
        if isinstance(offered, identity.Answer):
            return _told(request, db, open_, offered)
        found = None if isinstance(offered, Response) else _finishing(db, open_, *offered)
        if found and found.wins(db):
            return _told(request, db, open_, found.answer)
    return see_other(remembered.path(open_.waiting))


def _finishing(db: Session, open_: Open, school: School, terms: Offer) -> Finishing | None:
    return finishing(db, open_.sent, open_.person, school, terms)


def _told(request: Request, db: Session, open_: Open, found: identity.Answer) -> Response:
    """Home to the app, which is told who somebody is."""
    if not open_.waiting.complete(db):
        return _finished(request, open_.app)
    return answer.with_code(open_.sent, found.code(db, open_.app, open_.sent, open_.person))


def _offered(
    request: Request, db: Session, open_: Open, choose: bool = False
) -> tuple[School, Offer] | identity.Answer | Response:
    """The school that decides and what it is asked; or what needs no decision; or the page that says why not."""
    app, path = open_.app, remembered.path(open_.waiting)
    if identity.needs_no_school(open_.sent):
        found = identity.straight(db, app, open_.sent, open_.person, None)
        return found or page(request, "oauth/cannot.html", 403, app=app, school=None, path=path)
    schools = open_.schools(db)
    if not schools:
        decides_elsewhere = any(held.school_id and held.role == ADMIN for held in open_.person.memberships)
        template = "oauth/other_school.html" if decides_elsewhere else "oauth/ask_your_admin.html"
        return page(request, template, 403, app=app, path=path, about_person=identity.is_asked_alone(open_.sent))
    current = [school for school in schools if school.id == open_.person.session.school_id]
    if len(schools) > 1 and (choose or not current):
        return _choice_page(request, open_, schools)
    school = (current or schools)[0]
    if found := identity.straight(db, app, open_.sent, open_.person, school):
        return found
    if not decides(open_.person, school):
        return page(request, "oauth/ask_your_admin.html", 403, app=app, path=path, about_person=True)
    try:
        terms = offer(db, app, scopes(open_.sent), school, replacing=grants.replaces(open_.sent))
        return school, identity.with_openid(terms)
    except CannotShare as cannot:
        return page(request, "oauth/cannot.html", cannot.status, app=app, school=school, why=cannot.hint, path=path)


def _decision_page(
    request: Request, open_: Open, school: School, terms: Offer, status: int = 200, **context: Any
) -> Response:
    return page(
        request,
        "oauth/authorise.html",
        status,
        app=open_.app,
        school=school,
        offer=terms,
        fingerprint=fingerprint(school, terms),
        **seen(school, terms),
        path=remembered.path(open_.waiting),
        about_person=identity.is_asked_alone(open_.sent),
        several=len({held.school_id for held in open_.person.memberships if held.role == ADMIN}) > 1
        and not grants.names_a_school(open_.sent),
        **context,
    )


def _choice_page(request: Request, open_: Open, schools: list[School], status: int = 200, **context: Any) -> Response:
    about = {
        "app": open_.app,
        "path": remembered.path(open_.waiting),
        "about_person": identity.is_asked_alone(open_.sent),
    }
    return page(request, "oauth/choose_school.html", status, schools=schools, **about, **context)


def _finished(request: Request, app: App) -> Response:
    return page(request, "oauth/finished.html", 410, app=app)
