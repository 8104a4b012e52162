"""The nouns, and every query. Importing this package makes all tables known to `Base.metadata`."""

from app.models import (  # noqa: F401
    access_case,
    account,
    app_user,
    authorisation,
    contact,
    endpoint,
    establishment,
    event,
    installation,
    invitation,
    ledger,
    mis_guide,
    outbox,
    partner,
    passkey,
    proposal,
    pushed_request,
    receipt,
    roster,
    school,
    school_secret,
    signing_key,
    snapshot,
    spent_id,
    sync,
    token,
    verification,
    webhook,
)
from app.models.base import Base

__all__ = ["Base"]
