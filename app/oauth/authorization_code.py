"""The authorization code grant (RFC 6749 section 4.1.3): one code, one pair of tokens, whoever else holds the code."""

import dataclasses
from typing import Any

from app.db import Session
from app.errors import OAuthError
from app.models import backing
from app.models.authorisation import Authorisation
from app.models.backing import HeldCode
from app.models.base import ahead, now
from app.models.token import AuthorizationCode, Token
from app.oauth import pkce, store
from app.oauth.issue import Issued, TokenRequest
from app.oauth.request import Parameters
from app.oauth.store import Client
from app.secrets import digest, new_secret, well_formed
from app.settings import settings
from app.signin.session import Person

PREFIX = "gh_ac"


@dataclasses.dataclass(frozen=True, slots=True)
class Redemption:
    digest: bytes
    client: Client
    redirect_uri: str
    verifier: str | None


def make(db: Session, person: Person, authorisation: Authorisation, sent: Parameters, granted: list[str]) -> str:
    """The code that the browser carries to the app: good for a minute, for this request alone."""
    code = new_secret(PREFIX)
    db.add(
        AuthorizationCode(
            digest=digest(code),
            app_id=authorisation.app_id,
            account_id=person.account.id,
            authorisation_id=authorisation.id,
            redirect_uri=sent.required("redirect_uri"),
            scope=" ".join(granted),
            code_challenge=sent.get("code_challenge"),
            nonce=sent.get("nonce"),
            signed_in_at=person.session.signed_in_at,
            methods=person.session.methods,
            expires_at=ahead(settings.authorization_code_seconds),
        )
    )
    db.flush()
    return code


async def redeem(asked: TokenRequest) -> dict[str, Any]:
    """Exchange a code. Raises OAuthError invalid_grant, or invalid_request for what is missing."""
    sent = asked.sent
    code, redirect_uri = sent.required("code"), sent.required("redirect_uri")
    if not well_formed(code, PREFIX):
        raise OAuthError("invalid_grant", "This is not an authorization code of ours.")
    call = Redemption(digest(code), asked.client, redirect_uri, sent.get("code_verifier"))
    issued = await store.write(_exchange, call)
    return issued.body()


def _exchange(db: Session, calls: list[Redemption]) -> list[Issued | OAuthError]:
    """A used code that its own app presents again has leaked: every token that came of it ends with the refusal."""
    held = backing.locked_codes(db, [call.digest for call in calls])
    faults = {call.digest: _fault(call, held.get(call.digest)) for call in calls}
    spent = AuthorizationCode.spend(db, [digest for digest, fault in faults.items() if fault is None])
    issued = {digest: _issue(held[digest]) for digest in spent}
    Token.add_all(db, [row for pair in issued.values() for row in pair.rows()])
    answers = [issued.get(call.digest) or faults[call.digest] or _Replayed() for call in calls]
    # Ending comes last, so that it takes in what this very group has added to a family.
    if replayed := [held[call.digest].family for call, said in zip(calls, answers, strict=True) if _is_replay(said)]:
        Token.end_families(db, replayed)
    return answers


class _Replayed(OAuthError):
    def __init__(self) -> None:
        super().__init__("invalid_grant", "This code was used before. A code works once.")


def _is_replay(answer: Issued | OAuthError) -> bool:
    return isinstance(answer, _Replayed)


def _fault(call: Redemption, code: HeldCode | None) -> OAuthError | None:
    if code is None or code.app_id != call.client.id:
        return OAuthError("invalid_grant", "This code is not known, or is another app's.")
    if call.verifier is not None and code.code_challenge is None:
        return OAuthError("invalid_request", "Leave code_verifier out: the request had no code_challenge.")
    if code.backing.fault:  # its tokens ended with the authorisation, so even a replay has nothing left to end
        return OAuthError("invalid_grant", code.backing.fault)
    proven = code.code_challenge is None or pkce.answers(code.code_challenge, call.verifier or "")
    # Anyone can claim to be a public app. Only the verifier tells its own replay from a thief's.
    if code.used_at and (proven or not call.client.is_public):
        return _Replayed()
    if not proven:
        return OAuthError("invalid_grant", "The code_verifier is missing or does not fit the code_challenge.")
    if code.redirect_uri != call.redirect_uri:
        return OAuthError("invalid_grant", "The redirect_uri is not the one of the request.")
    if code.expires_at <= now():
        return OAuthError("invalid_grant", "This code has expired.")
    return None


def _issue(code: HeldCode) -> Issued:
    scope = " ".join(scope for scope in code.scope.split() if scope in code.backing.scopes)
    return Issued(code.backing, code.account_id, code.family, scope, scope)
