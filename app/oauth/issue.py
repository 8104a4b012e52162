"""What a successful token request is answered with (RFC 6749 section 5.1, and our `grant_id` and `school`)."""

import dataclasses
import datetime as dt
import uuid
from typing import Any

from app.models.backing import Backing, HeldCode, Personal
from app.models.base import now
from app.models.scope import only_identity
from app.models.token import ACCESS, REFRESH
from app.oauth import dpop
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
    """A fresh pair. The access token may carry less than the refresh token, which keeps the whole scope.

    Whoever asked only who somebody is gets no refresh token: the person can be asked again.
    """

    backing: Backing | Personal
    app_id: uuid.UUID
    account_id: uuid.UUID | None
    family: uuid.UUID
    scope: str
    whole_scope: str
    key_thumbprint: str | None
    issued_at: dt.datetime = dataclasses.field(default_factory=now)
    access_token: str = dataclasses.field(default_factory=lambda: new_secret("gh_at"))
    refresh_token: str = dataclasses.field(default_factory=lambda: new_secret("gh_rt"))
    keeps_refresh_token: bool = False  # the one that was presented goes on
    code: HeldCode | None = None  # what it was issued for, which tells how the person signed in

    @property
    def expires_at(self) -> dt.datetime | None:
        """When everything under the authorisation ends, if there is one."""
        return self.backing.expires_at if isinstance(self.backing, Backing) else None

    @property
    def access_expires_at(self) -> dt.datetime:
        usual = self.issued_at + dt.timedelta(seconds=settings.access_token_seconds)
        return min(usual, self.expires_at or usual)

    def rows(self, predecessor: bytes) -> list[dict[str, Any]]:
        """The rows of the token table, one or two."""
        shared = {
            "family": self.family,
            "predecessor": predecessor,
            "app_id": self.app_id,
            "account_id": self.account_id,
            "authorisation_id": self.backing.authorisation_id if isinstance(self.backing, Backing) else None,
            "issued_at": self.issued_at,
            "key_thumbprint": self.key_thumbprint,
        }
        access = {"digest": digest(self.access_token), "purpose": ACCESS, "scope": self.scope}
        rows = [shared | access | {"expires_at": self.access_expires_at}]
        if self._is_refreshable and not self.keeps_refresh_token:
            refresh = {"digest": digest(self.refresh_token), "purpose": REFRESH, "scope": self.whole_scope}
            rows.append(shared | refresh | {"expires_at": self.expires_at})
        return rows

    def body(self) -> dict[str, Any]:
        """The JSON object that the partner gets."""
        said = {
            "access_token": self.access_token,
            "token_type": dpop.token_type(self.key_thumbprint),
            "expires_in": int((self.access_expires_at - self.issued_at).total_seconds()),
            "scope": self.scope,
        }
        if self._is_refreshable:
            said["refresh_token"] = self.refresh_token
        return said | _school(self.backing) if isinstance(self.backing, Backing) else said

    @property
    def _is_refreshable(self) -> bool:
        return not only_identity(self.whole_scope.split())


def _school(backing: Backing) -> dict[str, Any]:
    return {
        "grant_id": str(backing.authorisation_id),
        "school": {
            "urn": backing.urn,
            "dfe_number": backing.dfe_number,
            "name": backing.school_name,
            "status": backing.school_status,
        },
    }
