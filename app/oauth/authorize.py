"""The authorization endpoint (RFC 6749 section 3.1): checks the request and keeps it for the person to decide about."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import OAuthError
from app.models.authorisation import Authorisation
from app.models.base import ahead
from app.models.partner import App
from app.models.school import School
from app.models.scope import OPENID
from app.models.token import AuthorizationRequest
from app.oauth import answer, authorization_code, grants, identity, par
from app.oauth.checks import check, identified, is_expected, is_fresh, kept, prompts, scopes
from app.oauth.request import FORM, Parameters, as_query, is_form, parse
from app.secrets import digest
from app.settings import settings
from app.sharing.service import CannotShare, decides, offer
from app.signin.session import Person, visitor
from app.web import remembered
from app.web.pages import see_other
from app.web.throttle import Limit, Try, network

LONGEST_POST = 20_000
KEPT_FROM_ONE_NETWORK = 600  # in an hour, by people who have not signed in
_kept_from_network = Limit(KEPT_FROM_ONE_NETWORK, 3600)

router = APIRouter(include_in_schema=False)


@router.get("/oauth/authorize")
def ask(request: Request) -> Response:
    brought = parse(request.scope["query_string"])
    secret = remembered.browser_secret(request)
    with sessions.begin() as db:
        asked = par.presented(request, db, brought)
        if asked.begun:
            return see_other(remembered.path(asked.begun))
        sent = asked.sent
        try:
            app = identified(db, sent)
        except OAuthError as wrong:
            return answer.on_page(request, None, wrong)
        person = visitor(request, db)
        try:
            check(app, sent)
            grant = grants.named(db, app.id, sent)
            expected = is_expected(db, app, sent, person)
            if "none" in prompts(sent):
                return _silently(db, app, sent, person if expected else None, grant)
        except OAuthError as wrong:
            if person or "none" in prompts(sent):
                return answer.with_error(sent, wrong)
            return answer.on_page(request, app, wrong)
        # Without a waiting request: two windows of one app may sign in at the same moment.
        if person and expected and is_fresh(person, sent) and (found := identity.at_once(db, app, sent, person)):
            return answer.with_code(sent, found.code(db, app, sent, person))
        if person is None:
            # Whoever has a client_id could fill the table: strangers' requests are counted, decided ones are not.
            Try(((_kept_from_network, network(request)),)).count()
        waiting = AuthorizationRequest(
            app_id=app.id,
            parameters=kept(sent),
            browser_digest=digest(secret),
            expires_at=ahead(settings.partner_request_seconds),
        )
        db.add(waiting)
        db.flush()
        asked.goes_on_as(waiting)
    response = see_other(remembered.path(waiting))
    remembered.bind(response, secret)
    return response


@router.post("/oauth/authorize")
async def turn_into_get(request: Request) -> Response:
    """A post may come from any site, so no session is looked at: the same parameters come back as a GET."""
    body = await request.body()
    if not is_form(request):
        return answer.on_page(request, None, OAuthError("invalid_request", f"Send the parameters as {FORM}."))
    if len(body) > LONGEST_POST:
        return answer.on_page(request, None, OAuthError("invalid_request", f"Send at most {LONGEST_POST} bytes."))
    return see_other(f"/oauth/authorize?{as_query(request, body)}")


def _silently(db: Session, app: App, sent: Parameters, person: Person | None, grant: Authorisation | None) -> Response:
    """prompt=none: a code without a page, where all was agreed to before. Data are for an Admin of the school."""
    if person is None or not is_fresh(person, sent):
        raise OAuthError("login_required", "Nobody is signed in, or not lately enough, or somebody else is.")
    school = School.by_id(db, person.school_id) if person.school_id else None
    if identity.is_asked_alone(sent):
        found = identity.straight(db, app, sent, person, school)
        if found is None:
            raise OAuthError("consent_required", "The school has not agreed that the app may know who its people are.")
        return answer.with_code(sent, found.code(db, app, sent, person))
    if school is None or not decides(person, school) or not grants.is_about(sent, grant, school):
        raise OAuthError("consent_required", "Whoever is signed in cannot authorise for a school.")
    try:
        offered = offer(db, app, scopes(sent), school, replacing=grants.replaces(sent))
    except CannotShare as cannot:
        raise OAuthError("consent_required", "The school cannot share data with this app now.") from cannot
    active = offered.active
    needed = [line for line in offered.lines if line.required or line.scope == OPENID]
    if active is None or offered.ends or not all(line.granted for line in needed):
        raise OAuthError("consent_required", "The school has not authorised the app for this.")
    granted = [scope for scope in scopes(sent) if scope in active.scopes]
    return answer.with_code(sent, authorization_code.make(db, person, app, sent, under=active, granted=granted))
