"""The authorization code grant (RFC 6749 section 4.1.3): one code, one pair of tokens, whoever else holds the code."""

import dataclasses
from typing import Any

from app.db import Session
from app.errors import OAuthError
from app.models import backing
from app.models.authorisation import Authorisation
from app.models.backing import Backing, HeldCode
from app.models.base import ahead, now
from app.models.partner import App
from app.models.school import School
from app.models.token import AuthorizationCode, Token
from app.oauth import details, dpop, id_token, pkce, store
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
    key_thumbprint: str | None


def make(
    db: Session, person: Person, app: App, sent: Parameters, *, under: Authorisation | None, granted: list[str]
) -> str:
    """The code that the browser carries to the app: good for a minute, for this request alone."""
    code = new_secret(PREFIX)
    db.add(
        AuthorizationCode(
            digest=digest(code),
            app_id=app.id,
            account_id=person.account.id,
            authorisation_id=under.id if under else None,
            redirect_uri=sent.required("redirect_uri"),
            scope=" ".join(granted),
            code_challenge=sent.get("code_challenge"),
            key_thumbprint=sent.get("dpop_jkt"),
            details=_details(db, sent, under, granted),
            nonce=sent.get("nonce"),
            signed_in_at=person.session.signed_in_at,
            methods=person.session.methods,
            expires_at=ahead(settings.authorization_code_seconds),
        )
    )
    db.flush()
    return code


def _details(
    db: Session, sent: Parameters, under: Authorisation | None, granted: list[str]
) -> list[details.Detail] | None:
    school = School.by_id(db, under.school_id) if under and details.asked(sent) else None
    return details.granted(sent, granted, school.urn) if school else None


async def redeem(asked: TokenRequest) -> dict[str, Any]:
    """Exchange a code. Raises OAuthError invalid_grant, or invalid_request for what is missing."""
    sent = asked.sent
    code, redirect_uri = sent.required("code"), sent.required("redirect_uri")
    if not well_formed(code, PREFIX):
        raise OAuthError("invalid_grant", "This is not an authorization code of ours.")
    call = Redemption(digest(code), asked.client, redirect_uri, sent.get("code_verifier"), asked.key_thumbprint)
    signs = await id_token.signer(asked.client)  # before the code is spent, so that nothing is left to fail after it
    issued = await store.write(_exchange, call)
    return issued.body() | details.beside(issued) | id_token.beside(issued, asked.client, signs)


def _exchange(db: Session, calls: list[Redemption]) -> list[Issued | OAuthError]:
    """A used code that its own app presents again has leaked: every token that came of it ends with the refusal."""
    held = backing.locked_codes(db, [call.digest for call in calls])
    faults = {call.digest: _fault(call, held.get(call.digest)) for call in calls}
    sound = {call.digest: _issue(call, held[call.digest]) for call in calls if faults[call.digest] is None}
    spent = AuthorizationCode.spend(db, [row for code, issued in sound.items() for row in issued.rows(code)])
    answers = [sound[call.digest] if call.digest in spent else faults[call.digest] or _Replayed() for call in calls]
    # Ending comes last, so that it takes in what this very group has added to a family.
    if replayed := [held[call.digest] for call, said in zip(calls, answers, strict=True) if _is_replay(said)]:
        Token.end_families(db, map(backing.lineage, replayed))
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
    if code.key_thumbprint and call.key_thumbprint is None:
        return dpop.refused("This code is bound to a key. Send a proof of it in the header DPoP.")
    if code.key_thumbprint not in (None, call.key_thumbprint):
        return OAuthError("invalid_grant", "This code is bound to another key.")
    if code.redirect_uri != call.redirect_uri:
        return OAuthError("invalid_grant", "The redirect_uri is not the one of the request.")
    if code.expires_at <= now():
        return OAuthError("invalid_grant", "This code has expired.")
    return None


def _issue(call: Redemption, code: HeldCode) -> Issued:
    scope = code.scope
    if isinstance(code.backing, Backing):
        scope = " ".join(name for name in scope.split() if name in code.backing.scopes)
    ids = (code.app_id, code.account_id, code.family)
    return Issued(code.backing, *ids, scope, scope, call.key_thumbprint, code=code)
