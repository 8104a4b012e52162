"""`/partners`: the first page of a partner's people, the trust card with its files, usage and errors."""

import datetime as dt
import uuid

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.audit import record
from app.db import sessions
from app.errors import NotFound
from app.models.base import ago, now
from app.models.ledger import Read, Refusal
from app.models.partner import App
from app.models.proposal import AGREEMENT, LOGO, Document
from app.partners import agreements, images
from app.partners.apps import CannotChange, change_card, own
from app.partners.forms import CardForm
from app.signin.proof import lacking
from app.signin.reauth import proven_lately
from app.signin.session import at_partner
from app.web.forms import Posted, Uploaded, shown, status_of
from app.web.pages import day, page, see_other

router = APIRouter(include_in_schema=False)

DAYS = 30
DONE = {"card": "Schools read this from now on", "agreement": "The agreement was uploaded"}


@router.get("/partners")
def home(request: Request) -> Response:
    """The partner's apps, Live and Test, and its trust card."""
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        mine = App.every_of(db, partner.id)
    return page(request, "partners/home.html", partner=partner, apps=mine)


@router.get("/partners/card")
def ask_card(request: Request, done: str = "") -> Response:
    with sessions.read() as db:
        person, partner = at_partner(request, db)
    if proof := proven_lately(request, person):
        return proof
    return page(request, "partners/card.html", partner=partner, notice=DONE.get(done, ""))


@router.post("/partners/card")
def submit_card(request: Request, sent: Posted) -> Response:
    """Change what schools read about the partner. Its name is not among it."""
    with sessions.read() as db:
        person, partner = at_partner(request, db)
    if problems := lacking(request, person, sent):
        return page(request, "partners/card.html", 422, partner=partner, sent=sent, problems=problems)
    try:
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            form = CardForm.model_validate(sent)
            change_card(db, partner, person.account.id, form.card)
    except (ValidationError, CannotChange) as wrong:
        with sessions.read() as db:
            _, partner = at_partner(request, db)
        status = status_of(wrong)
        return page(request, "partners/card.html", status, partner=partner, sent=sent, problems=shown(wrong, CardForm))
    return see_other("/partners/card?done=card")


@router.post("/partners/agreement")
def upload_agreement(request: Request, sent: Uploaded) -> Response:
    """Keep the data sharing agreement here; the trust card leads to it."""
    with sessions.read() as db:
        person, partner = at_partner(request, db)
    if proof := proven_lately(request, person, "/partners/card"):
        return proof
    try:
        content = images.agreement(sent.content)
        with sessions.begin() as db:
            person, partner = at_partner(request, db)
            agreements.keep(db, partner, person.account.id, content)
    except (images.NotTaken, CannotChange) as wrong:
        with sessions.read() as db:
            _, partner = at_partner(request, db)
        return page(request, "partners/card.html", wrong.status, partner=partner, problems=shown(wrong))
    return see_other("/partners/card?done=agreement")


@router.post("/partners/apps/{app_id}/logo")
def upload_logo(request: Request, app_id: uuid.UUID, sent: Uploaded) -> Response:
    """Show this picture on the app's trust card."""
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
    try:
        content = images.logo(sent.content)
    except images.NotTaken as wrong:
        return page(request, "partners/logo.html", wrong.status, app=app, problems=shown(wrong))
    with sessions.begin() as db:
        person, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        about = {"partner_id": partner.id, "app_id": app.id, "kind": LOGO, "uploaded_by": person.account.id}
        Document.forget_logos(db, app.id)
        db.add(Document(name="logo.png", media_type="image/png", content=content, **about))
        db.flush()
        record(db, "app.logo_uploaded", actor=person.account.id, subject=app.id)
    return see_other(f"/partners/apps/{app.id}/logo")


@router.get("/partners/apps/{app_id}/logo")
def ask_logo(request: Request, app_id: uuid.UUID) -> Response:
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
    return page(request, "partners/logo.html", app=app)


@router.get("/partners/logo/{app_id}.png")
def show_logo(app_id: uuid.UUID) -> Response:
    """The logo of an app, for everybody: schools see it before they sign in."""
    with sessions.read() as db:
        found = Document.logo(db, app_id)
    if found is None:
        raise NotFound
    return Response(found.content, media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})


@router.get("/partners/agreement/{document_id}.pdf")
def show_agreement(document_id: uuid.UUID) -> Response:
    """A data sharing agreement, for everybody who was given its address."""
    with sessions.read() as db:
        found = db.get(Document, document_id)
    if found is None or found.kind != AGREEMENT:
        raise NotFound
    headers = {
        "Content-Disposition": 'attachment; filename="agreement.pdf"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(found.content, media_type="application/pdf", headers=headers)


@router.get("/partners/apps/{app_id}/usage")
def see_usage(request: Request, app_id: uuid.UUID) -> Response:
    """How often the app read data and was refused, by day, and with which errors."""
    since = ago(DAYS * 86_400)
    with sessions.read() as db:
        _, partner = at_partner(request, db)
        app = own(db, partner, app_id)
        reads, refusals = Read.by_day(db, app.id, since), Refusal.by_day(db, app.id, since)
        errors = Refusal.by_error(db, app.id, since)
    calls, refused = _points(reads), _points(refusals)
    return page(request, "partners/usage.html", app=app, errors=errors, days=DAYS, reads=calls, refusals=refused)


def _points(days: dict[dt.date, int]) -> list[tuple[str, int]]:
    """A bar for each day, those without calls included."""
    last = now().date()
    every = [last - dt.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return [(day(each), days.get(each, 0)) for each in every]
