"""Every route of the team: which operators may use it, what a valid use sends, and the ids that it needs."""

from collections import defaultdict
from typing import Any

from fastapi import FastAPI

from app.db import sessions
from app.models.access_case import LOST_SECOND_STEP, AccessCase
from app.models.account import PARTNER_USER
from app.models.base import ahead, new_id
from app.models.contact import Welcome
from app.models.installation import Slot
from app.models.partner import App
from app.models.proposal import LIVE, Proposal
from app.secrets import digest, seal
from tests.onboarding.people import Registered
from tests.partners.people import company

TEAM, DECIDERS, CHIEF = ("caller", "approver", "admin"), ("approver", "admin"), ("admin",)
CALL = {"number": "01632960001", "outcome": "no answer"}
REASON = {"reason": "Because", "close_reason": "Because", "sure": "yes"}
SOMEBODY = {"name": "Nora New", "email": "nora@partner.example"}
CASE, ACCESS, SCHOOL = "/onboarding/cases/{case_id}", "/onboarding/access/{case_id}", "/onboarding/schools/{school_id}"
SLOTS, SLOT = "/onboarding/slots", "/onboarding/slots/{slot_id}"
PARTNERS = "/onboarding/partners"
PARTNER = PARTNERS + "/{partner_id}"
APP, PERSON, WELCOME = PARTNER + "/apps/{app_id}", PARTNER + "/people/{account_id}", PARTNER + "/welcomes/{welcome_id}"

GETS: dict[str, tuple[str, ...]] = {
    "/onboarding": TEAM,
    CASE: TEAM,
    "/onboarding/access": TEAM,
    ACCESS: TEAM,
    "/onboarding/schools": TEAM,
    SCHOOL: TEAM,
    "/onboarding/statistics": TEAM,
    SLOTS: TEAM,
    SLOT: TEAM,
    PARTNERS: CHIEF,
    f"{PARTNERS}/new": CHIEF,
    f"{PARTNERS}/proposals/{{proposal_id}}": CHIEF,
    PARTNER: CHIEF,
    f"{PARTNER}/suspend": CHIEF,
    f"{PARTNER}/resume": CHIEF,
    APP: CHIEF,
    f"{APP}/suspend": CHIEF,
    f"{APP}/resume": CHIEF,
    f"{PARTNER}/people/new": CHIEF,
    f"{PERSON}/end": CHIEF,
    f"{WELCOME}/resend": CHIEF,
    f"{WELCOME}/withdraw": CHIEF,
}
POSTS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    f"{CASE}/take": (TEAM, {}),
    f"{CASE}/release": (TEAM, {}),
    f"{CASE}/call": (TEAM, CALL),
    f"{CASE}/letter": (TEAM, {}),
    f"{CASE}/letter-code": (TEAM, {"letter_person": "Ada", "letter_heard": "KITE-1"}),
    f"{CASE}/new-code": (DECIDERS, {}),
    f"{CASE}/next-call": (TEAM, {"planned": ""}),
    f"{CASE}/note": (TEAM, {"note": "Hello"}),
    f"{CASE}/ask": (TEAM, {"question": "Which role have you?"}),
    f"{CASE}/answer": (TEAM, {"answer": "The bursar"}),
    f"{CASE}/approve": (DECIDERS, {}),
    f"{CASE}/reject": (DECIDERS, REASON),
    f"{ACCESS}/call": (TEAM, CALL),
    f"{ACCESS}/letter": (TEAM, {}),
    f"{ACCESS}/letter-code": (TEAM, {"letter_person": "Ada", "letter_heard": "KITE-1"}),
    f"{ACCESS}/approve": (DECIDERS, {}),
    f"{ACCESS}/refuse": (DECIDERS, REASON),
    f"{SCHOOL}/checked": (DECIDERS, {}),
    f"{SCHOOL}/suspend": (CHIEF, REASON),
    f"{SCHOOL}/resume": (CHIEF, REASON),
    f"{SCHOOL}/close": (CHIEF, REASON),
    SLOTS: (CHIEF, {}),
    f"{SLOT}/withdraw": (CHIEF, {}),
    f"{SLOT}/done": (TEAM, {}),
    f"{PARTNERS}/new": (CHIEF, {"name": "New Books Ltd"}),
    f"{PARTNERS}/proposals/{{proposal_id}}": (CHIEF, REASON | {"decision": "refuse"}),
    f"{PARTNER}/suspend": (CHIEF, REASON),
    f"{PARTNER}/resume": (CHIEF, REASON),
    f"{APP}/suspend": (CHIEF, REASON),
    f"{APP}/resume": (CHIEF, REASON),
    f"{APP}/oidc": (CHIEF, {"oidc": "yes"}),
    f"{APP}/groupcall": (CHIEF, {"groupcall": "yes"}),
    f"{PARTNER}/people/new": (CHIEF, SOMEBODY),
    f"{PERSON}/end": (CHIEF, {}),
    f"{WELCOME}/resend": (CHIEF, {}),
    f"{WELCOME}/withdraw": (CHIEF, {}),
}


def served(server: Any) -> set[tuple[str, str]]:
    """Every (method, path) under /onboarding that the application answers."""
    while not isinstance(server, FastAPI):
        server = server.app
    return {(method, path) for method, path in _of(server.routes) if path.startswith("/onboarding")}


def at(route: str, here: Registered) -> str:
    """The address of a route about this registration, or about an access case or a partner made for it."""
    if route.startswith(ACCESS):
        return route.format(case_id=_access_case(here))
    if route.startswith(SLOT):
        return route.format(slot_id=_slot(here))
    if route.startswith(PARTNERS) and "{" in route:
        return route.format(**_partner())
    return route.format(case_id=here.case.id, school_id=here.school.id)


def nowhere(route: str, case_id: object = None, school_id: object = None) -> str:
    """The address of a route with ids of nothing, or with those given."""
    ids = defaultdict(new_id, case_id=case_id or new_id(), school_id=school_id or new_id())
    return route.format_map(ids)


def _of(several: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for route in several:
        if inner := getattr(route, "original_router", None):
            found += _of(inner.routes)
        else:
            found += [(method, route.path) for method in getattr(route, "methods", ()) if method != "HEAD"]
    return found


def _access_case(here: Registered) -> object:
    with sessions.begin() as db:
        made = AccessCase(
            school_id=here.school.id,
            kind=LOST_SECOND_STEP,
            account_id=here.admin.id,
            name=here.admin.name,
            email=here.admin.email,
            readback_sealed=seal("KITE-1", "readback"),
            visit_digest=digest(str(new_id())),
            stop_digest=digest(str(new_id())),
        )
        db.add(made)
        db.flush()
        return made.id


def _slot(here: Registered) -> object:
    with sessions.begin() as db:
        return Slot.publish(db, [ahead(86_400)], 60, here.admin.id)[0].id


def _partner() -> dict[str, object]:
    """The ids of a partner with an app that asks to go Live, a person, and somebody who was invited."""
    made = company()
    with sessions.begin() as db:
        asked = Proposal(app_id=db.get_one(App, made.app.id).id, kind=LIVE, scopes=[], asked_by=made.person.id)
        link = Welcome(
            link_digest=digest(str(new_id())),
            partner_id=made.partner.id,
            role=PARTNER_USER,
            **SOMEBODY,
            expires_at=ahead(3600),
        )
        db.add_all([asked, link])
        db.flush()
        ids = {"proposal_id": asked.id, "welcome_id": link.id}
    return {"partner_id": made.partner.id, "app_id": made.app.id, "account_id": made.person.id, **ids}
