"""Passkeys (WebAuthn level 3): asking a device to sign, and judging what comes back.

What is to be signed counts once, for one purpose and one account, for five minutes; it is used up before anything else
is looked at. Every ceremony wants the person verified by their device, so that a passkey alone is two factors.

The library is imported where it is first used: it would add an eighth of a second to every start.
"""

import dataclasses
import secrets
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request

from app import audit
from app.db import DatabaseAway, PoolExhausted, Session, sessions
from app.errors import Problem
from app.models.account import Account
from app.models.base import ahead, now
from app.models.passkey import Challenge, Passkey
from app.notify import messages
from app.secrets import digest
from app.settings import settings
from app.signin.service import renewed
from app.signin.session import Going, Person
from app.web.pages import day

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

log = structlog.get_logger()

REGISTER, SIGN_IN, SECOND_STEP, CONFIRM = "register", "sign-in", "second-step", "confirm"
METHODS = ("hwk", "user", "mfa")  # RFC 8176
LIFE_SECONDS = 300
MOST = 20  # passkeys of one account
MOST_LETTERS = 60


class Refused(Problem):
    """What the device sent was not signed by the right key, here, now, for this."""

    status = 422
    title = "That passkey was not accepted"


@dataclasses.dataclass(frozen=True)
class Proof:
    """A passkey that signed what it was asked to, and how often it says that it has signed."""

    passkey: Passkey
    sign_count: int


def site() -> tuple[str, str]:
    """The relying party id and the origin. An IP address cannot be one, so on loopback it is localhost."""
    address = urlsplit(settings.issuer)
    host = address.hostname or ""
    rp_id = "localhost" if host == "::1" or host.startswith("127.") else host
    return rp_id, f"{address.scheme}://{rp_id}{f':{address.port}' if address.port else ''}"


def elsewhere(request: Request) -> str:
    """The address under which passkeys work, for a page that was opened under another; empty when this is it."""
    origin = site()[1]
    here = f"{request.url.scheme}://{request.url.netloc}"
    if settings.is_production or here == origin:
        return ""
    return f"{origin}{request.url.path if request.method == 'GET' else '/sign-in'}"


def registration(db: Session, account: Account) -> str:
    """The options, as JSON, with which a browser makes a passkey for this account."""
    import webauthn
    from webauthn.helpers import structs as wire

    known = [_described(passkey) for passkey in Passkey.of(db, account.id)]
    options = webauthn.generate_registration_options(
        rp_id=site()[0],
        rp_name="Gatehouse",
        user_id=account.id.bytes,
        user_name=account.username or account.email,
        user_display_name=account.name,
        challenge=_challenge(db, REGISTER, account.id),
        timeout=LIFE_SECONDS * 1000,
        exclude_credentials=known,
        authenticator_selection=wire.AuthenticatorSelectionCriteria(
            resident_key=wire.ResidentKeyRequirement.REQUIRED,
            user_verification=wire.UserVerificationRequirement.REQUIRED,
        ),
    )
    return webauthn.options_to_json(options)


def asking(db: Session, purpose: str, account: Account | None) -> str:
    """The options, as JSON, with which a browser asks for a signature; of any passkey when no account is known."""
    import webauthn
    from webauthn.helpers import structs as wire

    options = webauthn.generate_authentication_options(
        rp_id=site()[0],
        challenge=_challenge(db, purpose, account.id if account else None),
        timeout=LIFE_SECONDS * 1000,
        allow_credentials=[_described(passkey) for passkey in Passkey.of(db, account.id)] if account else [],
        user_verification=wire.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def judged(sent: Mapping[str, str], purpose: str, account_id: uuid.UUID | None) -> Proof:
    """What a device signed for this purpose, by a passkey of this account (of anybody when None). Raises Refused.

    Opens write units of its own: what was to be signed is used up even when the signature is wrong.
    """
    import webauthn

    try:
        answer = webauthn.helpers.parse_authentication_credential_json(sent.get("credential", ""))
        challenge = _spent(answer.response.client_data_json, purpose, account_id)
        with sessions.read() as db:
            passkey = Passkey.by_credential(db, answer.raw_id)
        owner = account_id or (passkey.account_id if passkey else None)
        handle = answer.response.user_handle
        # Only somebody whom nobody has named yet must be named by the device (WebAuthn 7.2, step 6).
        if passkey is None or passkey.account_id != owner or (handle != owner.bytes and (handle or not account_id)):
            raise Refused(hint="It is not, or no longer, a passkey of this account.")
        found = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site()[0],
            expected_origin=site()[1],
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (Problem, DatabaseAway, PoolExhausted):
        raise
    except Exception as wrong:  # the library and its CBOR reader raise many kinds for what a stranger may send
        raise _refused(wrong) from wrong
    return Proof(passkey, found.new_sign_count)


def use(db: Session, proof: Proof) -> None:
    """Note that a passkey was used. Raises Refused when it is gone, or another device is ahead of it."""
    if not proof.passkey.used(db, proof.sign_count):
        raise Refused(hint="It was removed, or used somewhere else at the same moment.")


def made(sent: Mapping[str, str], person: Person) -> Passkey:
    """The passkey that a browser made for this person, not in the database yet. Raises Refused."""
    import webauthn

    try:
        answer = webauthn.helpers.parse_registration_credential_json(sent.get("credential", ""))
        found = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=_spent(answer.response.client_data_json, REGISTER, person.account.id),
            expected_rp_id=site()[0],
            expected_origin=site()[1],
            require_user_verification=True,
        )
    except (Problem, DatabaseAway, PoolExhausted):
        raise
    except Exception as wrong:
        raise _refused(wrong) from wrong
    return Passkey(
        account_id=person.account.id,
        credential_id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        transports=[transport.value for transport in answer.response.transports or []],
        name=sent.get("name", "")[:MOST_LETTERS] or f"Passkey of {day(now())}",
    )


def add(db: Session, person: Person, passkey: Passkey) -> Going:
    """Let the person sign in with it from now on. Every other session ends. Raises Refused and TooLate."""
    if Passkey.by_credential(db, passkey.credential_id):
        raise Refused(hint="It is registered already.")
    if len(Passkey.of(db, person.account.id)) >= MOST:
        raise Refused(hint=f"You have {MOST} passkeys. Remove one that you do not use.")
    db.add(passkey)
    db.flush()
    going = renewed(db, person, *METHODS)
    messages.account_changed(db, person.account, "a passkey was added, to sign in with")
    audit.record(
        db,
        "account.second_step_added",
        actor=person.account.id,
        school=person.school_id,
        kind="passkey",
        replaced=False,
    )
    return going


def remove(db: Session, person: Person, passkey_id: uuid.UUID) -> Going:
    """Take a passkey out of use. Every other session ends. Raises Refused for the only second step."""
    if not Passkey.remove(db, person.account.id, passkey_id):
        raise Refused(
            title="That passkey stays", hint="It is your only second step. Set up another passkey or the app first."
        )
    going = renewed(db, person)
    messages.account_changed(db, person.account, "a passkey was removed")
    audit.record(db, "account.second_step_removed", actor=person.account.id, school=person.school_id, kind="passkey")
    return going


def _challenge(db: Session, purpose: str, account_id: uuid.UUID | None) -> bytes:
    challenge = secrets.token_urlsafe(32)
    db.add(Challenge(digest=digest(challenge), purpose=purpose, account_id=account_id, expires_at=ahead(LIFE_SECONDS)))
    return challenge.encode()


def _spent(client_data: bytes, purpose: str, account_id: uuid.UUID | None) -> bytes:
    """The challenge that was signed, used up by this call. Raises Refused when it was used up before, or ran out."""
    from webauthn.helpers import parse_client_data_json

    challenge = parse_client_data_json(client_data).challenge
    with sessions.begin() as db:
        won = Challenge.spend(db, digest(challenge.decode()), purpose, account_id)
    if not won:
        raise Refused(hint="It took longer than five minutes, or was sent twice. Try again.")
    return challenge


def _described(passkey: Passkey) -> "PublicKeyCredentialDescriptor":
    from webauthn.helpers import structs as wire

    transports: list[Any] = [wire.AuthenticatorTransport(name) for name in passkey.transports]
    return wire.PublicKeyCredentialDescriptor(id=passkey.credential_id, transports=transports or None)


def _refused(wrong: Exception) -> Refused:
    log.info("a passkey was refused", error=type(wrong).__name__)
    return Refused(hint="Try again. If it goes on, use another way to sign in.")
