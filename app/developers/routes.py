"""The pages. They are the same for everybody, so nobody's name is on them and any cache may keep them."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.developers import errors, groupcall, lifetimes, places, snippets
from app.models.scope import PARTNER_SCOPES, SCOPES
from app.notify.notices import TYPES
from app.oauth import assertion, jws, metadata
from app.web.pages import page

router = APIRouter(prefix="/developers", include_in_schema=False)


@router.get("")
def start(request: Request) -> Response:
    """What Gatehouse is for a partner, the steps, and every address."""
    api: dict[str, Any] = request.app.openapi()["paths"]
    reads = [(path, told["get"]["summary"]) for path, told in api.items() if "get" in told and path.startswith("/ims/")]
    addresses = [
        (name, value)
        for name, value in metadata.server().items()
        if name in ("issuer", "jwks_uri") or name.endswith("_endpoint")
    ]
    return _public(request, "start", addresses=addresses, reads=reads)


@router.get("/quick-start")
def quick_start(request: Request) -> Response:
    """From nothing to a school's data in four steps, in three languages."""
    return _public(request, "quick_start", snippets=snippets.all_of(request.app))


@router.get("/errors")
def read_errors(request: Request) -> Response:
    """Every refusal, what it means and how to put it right."""
    return _public(request, "errors", groups=errors.GROUPS)


@router.get("/profiles")
def read_profiles(request: Request) -> Response:
    """What each profile needs of an app."""
    algorithms = {"assertions": assertion.ALGORITHMS, "strong": jws.STRONG}
    return _public(request, "profiles", server=metadata.server(), **algorithms)


@router.get("/lifetimes")
def read_lifetimes(request: Request) -> Response:
    """How long codes, tokens and authorisations live."""
    return _public(request, "lifetimes", lifetimes=lifetimes.all_of())


@router.get("/scopes")
def read_scopes(request: Request) -> Response:
    """Every scope, as schools read it, with the fields it opens."""
    call = snippets.all_of(request.app)["filter_sh"]
    answers = {"paths": places.PATHS.items(), "answer": places.ANSWER, "filter": call}
    return _public(request, "scopes", scopes=SCOPES.values(), partner_scopes=PARTNER_SCOPES, **answers)


@router.get("/webhooks")
def read_webhooks(request: Request) -> Response:
    """What is sent, how to check it, and what happens when it does not arrive."""
    return _public(request, "webhooks", types=TYPES)


@router.get("/partner-api")
def read_partner_api(request: Request) -> Response:
    """Every call that an app makes about itself."""
    api: dict[str, Any] = request.app.openapi()["paths"]
    calls = [
        (how.upper(), path, call["description"])
        for path, told in api.items()
        for how, call in told.items()
        if path.startswith("/partner/")
    ]
    return _public(request, "partner_api", calls=calls)


@router.get("/accounts")
def read_accounts(request: Request) -> Response:
    """How an app gets the users that schools sync."""
    return _public(request, "accounts")


@router.get("/groupcall")
def read_groupcall(request: Request) -> Response:
    """The Groupcall-style API: for partners who have a client of it."""
    told = {"addresses": groupcall.ADDRESSES, "lists": groupcall.LISTS}
    return _public(request, "groupcall", fields=groupcall.FIELDS, kinds=groupcall.KINDS, **told)


@router.get("/test-apps")
def read_test_apps(request: Request) -> Response:
    """How to get a Test app, and how a school is invited."""
    return _public(request, "test_apps")


def _public(request: Request, name: str, **context: Any) -> Response:
    shown = page(request, f"developers/{name}.html", **context)
    shown.headers["Cache-Control"] = "public, max-age=300"
    return shown
