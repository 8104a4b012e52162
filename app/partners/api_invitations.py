"""The partner API's invitations: ask a school by e-mail to authorise the app, see what became of it, take it back."""

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from app.db import Session, sessions
from app.errors import NotFound
from app.models.establishment import Establishment
from app.models.invitation import STATES, Invitation
from app.models.partner import App
from app.oauth.bearer import PartnerAccess
from app.partners import api, api_docs
from app.partners.api import caller, paging
from app.sharing import invitations
from app.web.answers import fresh
from app.web.problems import ApiError, ApiRoute, Sent, body, nothing, number

router = APIRouter(
    prefix=api.PREFIX, route_class=ApiRoute, tags=["Invitations"], dependencies=[Depends(api_docs.TOKEN)]
)


class Contact(Sent):
    name: str = Field(max_length=200)
    email: str = Field(max_length=320)


class NewInvitation(Sent):
    school: str = Field(max_length=20, description="URN, or DfE number with or without its slash")
    contact: Contact
    technical_contact: Contact | None = None
    scopes: list[str] = Field(max_length=100)
    reference: str | None = Field(default=None, min_length=1, max_length=100, description="Sent twice, it is one")


@router.post("/invitations", status_code=201, **api_docs.made("Invitation", NewInvitation))
async def invite(request: Request) -> Response:
    """Invite a school. The same reference again answers the invitation that there is."""
    access = await caller(request)
    sent = await body(request, NewInvitation)
    return fresh(await run_in_threadpool(_invite, access, sent), 201)


@router.get("/invitations", **api_docs.listed("invitations", "Invitation", state=", ".join(STATES), reference="Yours"))
async def list_invitations(request: Request) -> Response:
    """Your app's invitations, newest first, forwarded ones too."""
    access = await caller(request)
    asked = paging(request, "invitations", access, "state", "reference")
    state, reference = request.query_params.get("state", ""), request.query_params.get("reference", "")
    if state and state not in STATES:
        raise ApiError("invalid_query", "The query cannot be read", f"state is one of {', '.join(STATES)}.")

    def read() -> dict[str, Any]:
        which = {"state": state, "reference": reference.replace("\x00", "")}
        with sessions.read() as db:
            rows = Invitation.of_app_before(db, access.app_id, asked.before, asked.most + 1, **which)
            return asked.page(_described(db, rows), "id")

    return fresh(await run_in_threadpool(read))


@router.get("/invitations/{invitation_id}", **api_docs.one("Invitation"))
async def one_invitation(request: Request, invitation_id: str) -> Response:
    """One invitation."""
    access = await caller(request)

    def read() -> dict[str, Any]:
        with sessions.read() as db:
            return _described(db, [_own(db, invitation_id, access)])[0]

    return fresh(await run_in_threadpool(read))


@router.delete("/invitations/{invitation_id}", status_code=204, **api_docs.done())
async def cancel(request: Request, invitation_id: str) -> Response:
    """Withdraw it, while it waits for an answer."""
    access = await caller(request)

    def take_back() -> None:
        with sessions.begin() as db:
            invitation = _own(db, invitation_id, access)
            try:
                invitations.cancel(db, invitation, None)
            except invitations.Settled as settled:
                state = invitation.standing
                raise ApiError("invitation_settled", settled.title, f"Its state is {state}.", 409) from settled

    await run_in_threadpool(take_back)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


@router.post("/invitations/{invitation_id}/remind", status_code=202, **api_docs.accepted())
async def remind(request: Request, invitation_id: str) -> Response:
    """Mail its contact once more, at most once a day."""
    access = await caller(request)
    await nothing(request)

    def mail() -> dict[str, Any]:
        with sessions.begin() as db:
            invitation = _own(db, invitation_id, access)
            try:
                invitations.remind_again(db, invitation)
            except invitations.Settled as settled:
                state = invitation.standing
                raise ApiError("invitation_settled", settled.title, f"Its state is {state}.", 409) from settled
            except invitations.CannotInvite as wrong:
                raise ApiError("cannot_invite", wrong.title, wrong.hint, 422) from wrong
            return {"id": str(invitation.id)}

    return fresh(await run_in_threadpool(mail), 202)


def _invite(access: PartnerAccess, sent: NewInvitation) -> dict[str, Any]:
    expert = sent.technical_contact
    with sessions.begin() as db:
        try:
            made = invitations.send(
                db,
                app=db.get_one(App, access.app_id),
                urn_or_dfe=sent.school,
                contact_name=sent.contact.name,
                contact_email=sent.contact.email,
                technical=(expert.name, expert.email) if expert else None,
                scopes=sent.scopes,
                reference=sent.reference,
            )
        except invitations.CannotInvite as wrong:
            errors = [{"field": _member(wrong.field), "detail": wrong.hint}]
            raise ApiError("cannot_invite", wrong.title, wrong.hint, 422, errors) from wrong
        except invitations.TooMany as many:
            raise ApiError("too_many_invitations", many.title, many.hint, 429) from many
        return _described(db, [made])[0]


def _member(field: str) -> str:
    """Where the body has what the form calls `contact_email`."""
    which, _, what = field.rpartition("_")
    return {"contact": f"contact.{what}", "technical": f"technical_contact.{what}"}.get(which, field)


def _own(db: Session, invitation_id: str, access: PartnerAccess) -> Invitation:
    found = Invitation.of_app(db, number(invitation_id), access.app_id)
    if found is None:
        raise NotFound
    return found


def _described(db: Session, rows: list[Invitation]) -> list[dict[str, Any]]:
    schools = {found.urn: found.name for found in Establishment.by_urns(db, [row.urn for row in rows])}
    return [
        {
            "id": str(row.id),
            "reference": row.reference,
            "parent_id": row.parent_id and str(row.parent_id),
            "state": row.standing,
            "school": {"urn": row.urn, "name": schools.get(row.urn)},
            "scopes": row.scopes,
            # Whom somebody at the school named instead is the school's to tell.
            "contact": None if row.parent_id else {"name": row.contact_name, "email": row.contact_email},
            "grant_id": row.authorisation_id and str(row.authorisation_id),
            "created_at": row.created_at.isoformat(timespec="seconds"),
            "expires_at": row.expires_at.isoformat(timespec="seconds"),
            "decided_at": row.decided_at and row.decided_at.isoformat(timespec="seconds"),
        }
        for row in rows
    ]
