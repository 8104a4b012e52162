"""The nouns, and every query. Importing this package makes all tables known to `Base.metadata`."""

from app.models import (  # noqa: F401
    account,
    authorisation,
    endpoint,
    establishment,
    event,
    outbox,
    partner,
    pushed_request,
    school,
    signing_key,
    spent_id,
    token,
    verification,
)
from app.models.base import Base

__all__ = ["Base"]
