"""The nouns, and every query. Importing this package makes all tables known to `Base.metadata`."""

from app.models import (  # noqa: F401
    account,
    authorisation,
    establishment,
    event,
    outbox,
    partner,
    school,
    signing_key,
    token,
    verification,
)
from app.models.base import Base

__all__ = ["Base"]
