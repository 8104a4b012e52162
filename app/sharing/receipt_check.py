"""Whether somebody's receipt is one of ours, unaltered, and whether its authorisation is still in force."""

import dataclasses
import json
import uuid
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app import base64url, keys, strict_json
from app.db import Session
from app.errors import Problem
from app.models.authorisation import Authorisation
from app.models.receipt import Receipt
from app.models.school import UNVERIFIED, VERIFIED, School
from app.settings import settings
from app.sharing.receipts import header

LONGEST = 100_000  # characters of what is pasted: the .json file holds everything twice


class NotGenuine(Problem):
    """What was pasted is no receipt of this Gatehouse; the title says in which way."""

    status = 422

    def __init__(self, title: str, hint: str) -> None:
        super().__init__(hint, "receipt", title)


@dataclasses.dataclass(frozen=True)
class Genuine:
    """A receipt of ours, word for word as signed."""

    content: dict[str, Any]
    kid: str
    key_state: str
    in_force: bool


def check(db: Session, pasted: str) -> Genuine:
    """Look at a JWS, or at the .json file of a receipt. Raises NotGenuine.

    The header must be the one that we write, member for member: nothing of a stranger's header is ever obeyed.
    """
    text, beside = _taken(pasted)
    ring = keys.load(db)
    key, content = _signed(ring, text)
    if beside is not None and beside != content:
        raise NotGenuine(
            "This receipt has been altered", "Its readable part is not what was signed. Trust only the signed part."
        )
    given = db.get(Authorisation, uuid.UUID(content["authorisation_id"]))
    return Genuine(content, key.kid, ring.state(key), given is not None and _in_force(db, given))


def altered(db: Session) -> list[str]:
    """What is wrong with the receipts that we keep, a line each: shown content or place that is not what was signed."""
    ring = keys.load(db)
    return [f"receipt {receipt.id}: {fault}" for receipt in Receipt.every(db) if (fault := _fault(ring, receipt))]


def _fault(ring: keys.Ring, receipt: Receipt) -> str:
    try:
        _, content = _signed(ring, receipt.jws)
    except NotGenuine as wrong:
        return wrong.title
    if receipt.content != content:
        return "its readable part is not what was signed"
    kept_as = (str(receipt.id), str(receipt.authorisation_id), receipt.kind)
    if kept_as != (content["record_id"], content["authorisation_id"], content["event"]["event_type"]):
        return "it was signed as another receipt"
    return ""


def _in_force(db: Session, given: Authorisation) -> bool:
    """Neither ended nor paused, by the school, by us or by a freeze. Which of these it is, no stranger learns."""
    school = School.by_id(db, given.school_id)
    stands = school is not None and school.status in (UNVERIFIED, VERIFIED) and school.frozen_at is None
    return stands and given.state == "Active" and not given.app.is_suspended


def _taken(pasted: str) -> tuple[str, Any]:
    """The JWS, and what stands beside it in a .json file."""
    text = pasted.strip()
    if not text:
        raise NotGenuine("Paste a receipt", "You find it in the .json file of the receipt.")
    if len(text) > LONGEST:
        raise NotGenuine("That is too long for a receipt", "Paste one receipt, and nothing else.")
    if not text.startswith("{"):
        return "".join(text.split()), None  # mail programs break long lines
    try:
        said = _object(text)
        if not isinstance(said.get("jws"), str):
            raise ValueError
    except ValueError:
        raise _malformed() from None
    return said["jws"], said.get("receipt")


def _signed(ring: keys.Ring, text: str) -> tuple[keys.Key, dict[str, Any]]:
    key = _key(ring, text)
    return key, _verified(key, text)


def _key(ring: keys.Ring, text: str) -> keys.Key:
    """The key of ours that the header names, if it says what ours say."""
    parts = text.split(".")
    if len(parts) != 3 or not text.isascii():
        raise _malformed()
    try:
        said = _object(base64url.decoded(parts[0]).decode())
        raw = [base64url.decoded(part) for part in parts[1:]]
    except ValueError:
        raise _malformed() from None
    if said.get("alg") != keys.ES256 or not raw[1]:
        raise NotGenuine(
            "This is not signed in the way that Gatehouse signs",
            "Receipts are signed with ES256, and with nothing else.",
        )
    kid = said.get("kid")
    key = ring.by_kid.get(kid) if isinstance(kid, str) else None
    if key is None or key.algorithm != keys.ES256:
        raise NotGenuine(
            "This was not signed by this Gatehouse", f"The key that it names was never one of {settings.issuer}."
        )
    if said != header(key.kid):
        raise NotGenuine(
            "This is not a receipt of this Gatehouse", "Its header says other things than those of our receipts."
        )
    return key


def _verified(key: keys.Key, text: str) -> dict[str, Any]:
    try:
        signed = jws.deserialize_compact(text, ECKey.import_key(dict(key.public)), algorithms=[keys.ES256])
    except (JoseError, ValueError):  # ValueError: a key of long ago that can no longer be unsealed
        raise NotGenuine(
            "This receipt has been altered",
            "It names our key, but the signature does not fit what it says. Ask for the original.",
        ) from None
    content: dict[str, Any] = json.loads(signed.payload)
    return content


def _object(text: str) -> dict[str, Any]:
    """Raises ValueError for what is no JSON object, is too deep, or names a member twice."""
    said = strict_json.read(text, LONGEST)
    if not isinstance(said, dict):
        raise ValueError("no object")
    return said


def _malformed() -> NotGenuine:
    return NotGenuine(
        "That is not a receipt",
        "Paste all of the signed text (three parts with dots between them), or the whole .json file.",
    )
