"""The data sharing agreements that a partner uploads. Each one is kept: a school may ask what it agreed to."""

import datetime as dt
import uuid

from app.audit import record
from app.db import Session
from app.models.base import ago
from app.models.partner import Partner
from app.models.proposal import AGREEMENT, Document
from app.partners.apps import change_card
from app.partners.images import NotTaken
from app.settings import settings
from app.web.pages import day

MOST, DAYS = 20, 30  # a limit of the pace: one of the number would block a partner for ever, or forget what was agreed


def keep(db: Session, partner: Partner, by: uuid.UUID, content: bytes) -> None:
    """Keep a PDF, and let the trust card lead to it. Raises NotTaken, or CannotChange while an operator looks."""
    partner = Partner.locked(db, partner.id) or partner
    lately = Document.agreements_since(db, partner.id, ago(DAYS * 86_400))
    if len(lately) >= MOST:
        free = day(lately[-MOST] + dt.timedelta(days=DAYS))
        raise NotTaken(
            f"Upload the next one after {free}, or give the agreement’s address above instead.",
            "file",
            f"You have uploaded {MOST} agreements in {DAYS} days",
        )
    kept = Document(
        partner_id=partner.id,
        kind=AGREEMENT,
        name="agreement.pdf",
        media_type="application/pdf",
        content=content,
        uploaded_by=by,
    )
    db.add(kept)
    db.flush()
    change_card(db, partner, by, {"agreement_url": f"{settings.issuer}/partners/agreement/{kept.id}.pdf"})
    record(db, "partner.agreement_uploaded", actor=by, subject=partner.id)
