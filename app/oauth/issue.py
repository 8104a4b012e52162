"""What a successful token request is answered with (RFC 6749 section 5.1, and our `grant_id` and `school`)."""

import dataclasses
import datetime as dt
import uuid
from typing import Any

from app.models.backing import Backing
from app.models.base import now
from app.models.token import ACCESS, REFRESH
from app.oauth.request import Parameters
from app.oauth.store import Client
from app.secrets import digest, new_secret
from app.settings import settings


@dataclasses.dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request whose app is known; `key_thumbprint` names the key that it proved to hold (RFC 9449)."""

    client: Client
    sent: Parameters
    key_thumbprint: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Issued:
    """A fresh pair. The access token may carry less than the refresh token, which keeps the whole scope."""

    backing: Backing
    account_id: uuid.UUID | None
    family: uuid.UUID
    scope: str
    whole_scope: str
    issued_at: dt.datetime = dataclasses.field(default_factory=now)
    access_token: str = dataclasses.field(default_factory=lambda: new_secret("gh_at"))
    refresh_token: str = dataclasses.field(default_factory=lambda: new_secret("gh_rt"))

    @property
    def access_expires_at(self) -> dt.datetime:
        return min(self.issued_at + dt.timedelta(seconds=settings.access_token_seconds), self.backing.expires_at)

    def rows(self, predecessor: bytes | None = None) -> list[dict[str, Any]]:
        """The two rows of the token table."""
        shared = {
            "family": self.family,
            "app_id": self.backing.app_id,
            "account_id": self.account_id,
            "authorisation_id": self.backing.authorisation_id,
            "issued_at": self.issued_at,
        }
        access = {"digest": digest(self.access_token), "purpose": ACCESS, "scope": self.scope}
        refresh = {"digest": digest(self.refresh_token), "purpose": REFRESH, "scope": self.whole_scope}
        return [
            shared | access | {"expires_at": self.access_expires_at, "predecessor": None},
            shared | refresh | {"expires_at": self.backing.expires_at, "predecessor": predecessor},
        ]

    def body(self) -> dict[str, Any]:
        """The JSON object that the partner gets."""
        backing = self.backing
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": int((self.access_expires_at - self.issued_at).total_seconds()),
            "refresh_token": self.refresh_token,
            "scope": self.scope,
            "grant_id": str(backing.authorisation_id),
            "school": {
                "urn": backing.urn,
                "dfe_number": backing.dfe_number,
                "name": backing.school_name,
                "status": backing.school_status,
            },
        }
