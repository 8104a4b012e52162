"""The application, put together: one line for each part. Start reading here."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from app import __version__, db, keys, ledger, logs
from app.developers import routes as developers
from app.endpoint import agent_api, batch_pages, booking_pages, guide_pages, wheel
from app.endpoint import pages as endpoint_pages
from app.notify import routes as outbox_pages
from app.oauth import authorize, consent, device_page, grant_endpoint, logout
from app.oauth.routes import Direct
from app.onboarding import access_routes as access
from app.onboarding import routes as cases
from app.onboarding import school_routes as schools
from app.onboarding import slot_routes, statistics_routes
from app.partners import (
    accounts_routes,
    api_deletions,
    api_invitations,
    api_schools,
    api_webhooks,
    app_routes,
    groupcall_routes,
    integration,
    operators,
    portal,
    school_routes,
    secrets_routes,
)
from app.partners import deletion_routes as partner_deletions
from app.partners import invitation_routes as partner_invitations
from app.partners import people_routes as partner_people
from app.partners import webhook_routes as partner_webhooks
from app.registration import routes as registration
from app.roster import oneroster
from app.roster.groupcall import routes as groupcall
from app.settings import settings
from app.sharing import (
    conversion,
    deletion_routes,
    ending,
    exclusions,
    pausing,
    receipt_routes,
    record_of_processing,
    review,
)
from app.sharing import invitation_routes as invitation_pages
from app.sharing import ledger as ledger_pages
from app.sharing import people_routes as school_people
from app.sharing import routes as school_pages
from app.signin import routes as signin
from app.signin import session, welcome
from app.sync import api as sync_api
from app.sync import compare_routes as sync_compare
from app.sync import routes as sync_pages
from app.sync import users_routes as sync_users
from app.web import errors, home
from app.web.files import Files
from app.web.guard import Guard


def create_app() -> ASGIApp:
    """The whole server as one ASGI application. Refuses (SystemExit) to start on settings that are not safe."""
    if faults := settings.faults():
        raise SystemExit(
            "Gatehouse does not start with these settings:\n" + "\n".join(f"- {fault}" for fault in faults)
        )
    logs.configure()
    app = FastAPI(
        title="Gatehouse",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,  # by 307, which would post a form again elsewhere
        # On by default, and its log records may hold what people typed.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    errors.install(app, session.known)
    # Every request looks through the routes in this order, so what programs call all day stands first.
    app.include_router(oneroster.router)
    app.include_router(groupcall.router)
    app.include_router(agent_api.router)
    app.include_router(wheel.router)
    for part in (api_invitations, api_schools, api_deletions, api_webhooks, sync_api):
        app.include_router(part.router)
    app.mount("/static", Files())
    app.include_router(home.health)
    for everybody in (home.first, outbox_pages.router, registration.router, receipt_routes.public):
        app.include_router(everybody, dependencies=[Depends(session.known)])
    app.include_router(signin.router)
    app.include_router(welcome.router)
    app.include_router(school_pages.router)
    for control in (pausing.router, ending.router, review.router, record_of_processing.router):
        app.include_router(control)
    app.include_router(ledger_pages.router)
    app.include_router(receipt_routes.router)
    app.include_router(deletion_routes.router)
    app.include_router(invitation_pages.router)
    app.include_router(school_people.router)
    app.include_router(exclusions.router)
    app.include_router(endpoint_pages.router)
    app.include_router(batch_pages.router)
    app.include_router(booking_pages.router)
    app.include_router(guide_pages.router)
    app.include_router(sync_users.router)
    app.include_router(sync_compare.router)
    app.include_router(sync_pages.router)
    app.include_router(conversion.router)
    app.include_router(access.router)
    app.include_router(cases.router)
    app.include_router(schools.router)
    app.include_router(statistics_routes.router)
    app.include_router(slot_routes.router)
    app.include_router(operators.router)
    app.include_router(partner_people.router)
    for pages in (portal, app_routes, secrets_routes, accounts_routes, groupcall_routes, school_routes, integration):
        app.include_router(pages.router)
    app.include_router(partner_deletions.router)
    app.include_router(partner_webhooks.router)
    app.include_router(partner_invitations.router)
    app.include_router(developers.router)
    app.include_router(authorize.router)
    app.include_router(consent.router)
    app.include_router(grant_endpoint.router)
    app.include_router(device_page.router)
    app.include_router(logout.router)
    return Guard(Direct(app))


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    if (db.revision() or "") < db.MIGRATION:
        raise SystemExit("The database is behind this version of Gatehouse. Run: gatehouse db upgrade")
    with db.sessions.begin() as session:
        keys.ensure(session)
    ledger.recover()
    # What is here now stays: the collector need not look through it again, which takes a tenth of a second.
    gc.collect()
    gc.freeze()
    yield
    ledger.drain()
    db.close()
