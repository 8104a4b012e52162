"""`/partner/v1/accounts`: an app fetches the users that a school's sync made, says that it has them, and tells its own.

For apps without a SCIM service. A first password is told until the app says that it has taken the account over.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app import ledger
from app.db import Session, sessions
from app.disclosure.pairwise import PERSON, Ids
from app.errors import NotFound
from app.models.app_user import PUPIL, STAFF, AppUser
from app.models.authorisation import Authorisation
from app.models.partner import App
from app.models.school import School
from app.oauth.bearer import PartnerAccess
from app.partners import api, api_docs
from app.partners.api import caller, paging
from app.secrets import unseal
from app.sync import allowed, existing, passwords, pushing
from app.sync.existing import Listed
from app.web.answers import fresh
from app.web.problems import ApiError, ApiRoute, Sent, body, number

router = APIRouter(prefix=api.PREFIX, route_class=ApiRoute, tags=["Accounts"], dependencies=[Depends(api_docs.TOKEN)])

TOGETHER = 100
Made = TypeVar("Made")


class Taken(Sent):
    id: str = Field(max_length=64)
    your_id: str | None = Field(default=None, max_length=existing.LONGEST)


class Acknowledgement(Sent):
    grant_id: str = Field(max_length=64)
    accounts: list[Taken] = Field(max_length=TOGETHER)


class YourUser(Sent):
    your_id: str = Field(max_length=existing.LONGEST)
    username: str = Field(min_length=1, max_length=existing.LONGEST)
    given_name: str = Field(default="", max_length=existing.LONGEST)
    family_name: str = Field(default="", max_length=existing.LONGEST)
    email: str = Field(default="", max_length=existing.LONGEST)
    upn: str = Field(default="", max_length=20)
    kind: str = Field(default=PUPIL, pattern=f"^({PUPIL}|{STAFF})$")
    classes: list[str] = Field(default_factory=list, max_length=50)
    active: bool = True


class YourUsers(Sent):
    grant_id: str = Field(max_length=64)
    users: list[YourUser] = Field(max_length=TOGETHER)


@router.get("/accounts", **api_docs.listed("accounts", "Account", grant_id="Of the school"))
async def accounts(request: Request) -> Response:
    """The accounts of one school, archived ones too. first_password is there until you have acknowledged it."""
    access = await caller(request)
    asked = paging(request, "accounts", access, "grant_id")

    def read(db: Session, given: Authorisation) -> tuple[dict[str, Any], int]:
        users = AppUser.of_app(db, given.school_id, given.app_id)
        behind = int(asked.place) if asked.place else -1
        rows = [one for one in users if one.id > behind][: asked.most + 1]
        shown = Shown(db, given)
        items = [shown.account(one) for one in rows[: asked.most]]
        return asked.listed(items, str(rows[asked.most - 1].id) if len(rows) > asked.most else None), len(items)

    def work() -> Response:
        given = _given(access, request.query_params.get("grant_id", ""))
        with sessions.read(school=given.school_id) as db:
            told, people = read(db, given)
        ledger.record(
            school_id=given.school_id,
            app_id=given.app_id,
            authorisation_id=given.id,
            scopes=" ".join(sorted(given.scopes)),
            route="partner/accounts",
            people=people,
            address=request.client.host if request.client else "",
        )
        return fresh(told)

    return await run_in_threadpool(work)


@router.post("/accounts/acknowledgements", status_code=204, **api_docs.done())
async def acknowledge(request: Request) -> Response:
    """You have these accounts: their first passwords are told no more. your_id is what your app calls them."""
    access = await caller(request)
    sent = await body(request, Acknowledgement)

    def note(db: Session, given: Authorisation) -> None:
        shown = Shown(db, given)
        known = {shown.id_of(one): one for one in AppUser.of_app(db, given.school_id, given.app_id)}
        if unknown := [taken.id for taken in sent.accounts if taken.id not in known]:
            raise ApiError("unknown_account", "There is no such account", f"{unknown[0]} is none of this school.", 422)
        for taken in sent.accounts:
            known[taken.id].password_for_app = None
            known[taken.id].outside_id = taken.your_id or known[taken.id].outside_id

    await run_in_threadpool(_within, access, sent.grant_id, note)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post("/accounts/existing", status_code=204, **api_docs.done())
async def tell_existing(request: Request) -> Response:
    """The users that your app has of a school already, up to 100 at a time: they keep their names and passwords."""
    access = await caller(request)
    sent = await body(request, YourUsers)
    listed = [
        Listed(
            outside_id=one.your_id,
            username=one.username,
            given_name=one.given_name,
            family_name=one.family_name,
            email=one.email.lower(),
            upn=one.upn.upper()[:13],
            kind=one.kind,
            classes=tuple(sorted(set(one.classes))),
            is_active=one.active,
        )
        for one in sent.users
    ]

    def keep(db: Session, given: Authorisation) -> None:
        school = School.by_id(db, given.school_id)
        if school is None:
            raise NotFound
        existing.keep(db, school, given.app_id, None, found_by=existing.API, listed=listed, groups={})

    await run_in_threadpool(_within, access, sent.grant_id, keep)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


class Shown:
    """Users of one school as one app knows them."""

    def __init__(self, db: Session, given: Authorisation) -> None:
        key = App.pairwise_key_of(db, given.app_id)
        self._people = Ids(key, PERSON, given.school_id)
        self._users = Ids(key, pushing.USER_IDS, given.school_id)

    def id_of(self, user: AppUser) -> str:
        ids, own = (self._users, user.id) if user.person_id is None else (self._people, user.person_id)
        return ids.shown([own])[0]

    def account(self, user: AppUser) -> dict[str, Any]:
        sealed = user.password_for_app
        return {
            "id": self.id_of(user),
            "your_id": user.outside_id or None,
            "kind": user.kind,
            "username": user.username,
            "first_password": unseal(sealed, passwords.PURPOSE) if sealed else None,
            "given_name": user.given_name,
            "family_name": user.family_name,
            "email": user.email or None,
            "year": user.year or None,
            "classes": user.classes,
            "active": not user.is_archived,
        }


def _given(access: PartnerAccess, grant_id: str) -> Authorisation:
    """The authorisation of a school that shares its people with this app now. Raises NotFound, or ApiError."""
    with sessions.read() as db:
        given = Authorisation.of_app(db, number(grant_id), access.app_id)
        if given is None:
            raise NotFound
        try:
            return allowed.deliverable(db, given.school_id, access.app_id)
        except NotFound:
            words = "It is not Verified, has paused or ended its authorisation, or shares no people with your app."
            raise ApiError("school_unavailable", "The school shares no accounts now", words, 403) from None


def _within(access: PartnerAccess, grant_id: str, work: Callable[[Session, Authorisation], Made]) -> Made:
    given = _given(access, grant_id)
    with sessions.begin(school=given.school_id) as db:
        return work(db, given)
