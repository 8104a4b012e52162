"""Receipts: what a school decided about an app, as a record shaped like ISO/IEC TS 27560:2023, signed by our key.

A receipt names the school, the partner, what was agreed to and who decided. It holds nothing about any pupil.
"""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from joserfc import jws
from joserfc.jwk import ECKey

from app import keys
from app.db import Session
from app.models import lawful
from app.models.account import EVERYBODY, Account, Membership
from app.models.authorisation import Authorisation
from app.models.base import new_id, now
from app.models.establishment import Establishment
from app.models.receipt import Receipt
from app.models.school import School
from app.models.scope import SCOPES
from app.settings import settings
from app.sharing import years
from app.web.pages import day, when

TYP = "authorisation-receipt+jwt"
SCHEMA = "ISO/IEC TS 27560:2023"
CONTROLLER, RECIPIENT, OPERATOR = "pii controller", "recipient", "operator"
JURISDICTION = "England and Wales"
NOT_GIVEN = "Not given"

# What happened → its state in the words of ISO/IEC TS 27560, and in ours.
STATES = {
    "granted": ("given", "Authorised"),
    "changed": ("given", "Changed"),
    "renewed": ("given", "Renewed"),
    "resumed": ("given", "Resumed"),
    "paused": ("suspended", "Paused"),
    "revoked": ("withdrawn", "Revoked"),
    "returned": ("withdrawn", "Given back by the partner"),
    "expired": ("expired", "Expired"),
}

Section = tuple[str, list[tuple[str, str]]]


def make(
    db: Session,
    school: School,
    authorisation: Authorisation,
    kind: str,
    *,
    by: uuid.UUID | None,
    ended: Sequence[str] = (),
) -> Receipt:
    """Sign and keep the receipt of one change, a key of `STATES`, in the transaction that makes it."""
    receipt_id, made_at = new_id(), now()
    content = {
        "iss": settings.issuer,
        "schema_version": SCHEMA,
        "record_id": str(receipt_id),
        "authorisation_id": str(authorisation.id),
        "language": "en-GB",
        "pii_processing": {
            "purposes": _purposes(authorisation),
            "jurisdiction": JURISDICTION,
            "withdrawal_method": f"{settings.issuer}/school/apps/{authorisation.id}",
        },
        "party_identification": [_controller(db, school), _recipient(authorisation)],
        "event": {
            "event_type": kind,
            "event_state": STATES[kind][0],
            "event_time": _text(made_at),
            "decided_by": _decider(db, school, authorisation, kind, by),
            "valid_from": _text(authorisation.granted_at),
            "valid_until": _text(authorisation.over_at),
            "year_groups": authorisation.years,
            "resumes_on": str(authorisation.resumes_on) if kind == "paused" and authorisation.resumes_on else None,
            "ended": [_title(scope) for scope in ended],
        },
    }
    receipt = Receipt(
        id=receipt_id,
        school_id=school.id,
        authorisation_id=authorisation.id,
        kind=kind,
        made_at=made_at,
        content=content,
        jws=_signed(db, content),
    )
    db.add(receipt)
    db.flush()
    return receipt


def sections(content: dict[str, Any]) -> list[Section]:
    """A receipt in words: headings, and under each the pairs (what, value) that a page or a print shows."""
    event, (controller, recipient) = content["event"], content["party_identification"]
    decided = event["decided_by"]
    rows = [
        ("What happened", STATES[event["event_type"]][1]),
        ("When", when(dt.datetime.fromisoformat(event["event_time"]))),
        ("Decided by", decided["name"] + (f" ({decided['role']})" if decided["role"] in EVERYBODY else "")),
        ("Authorised since", when(dt.datetime.fromisoformat(event["valid_from"]))),
        ("Until", when(dt.datetime.fromisoformat(event["valid_until"]))),
    ]
    if event.get("year_groups"):
        rows.append(("Year groups", years.in_words(event["year_groups"])))
    if event["resumes_on"]:
        rows.append(("Resumes on", day(dt.date.fromisoformat(event["resumes_on"]))))
    if event["ended"]:
        rows.append(("No longer covered", ", ".join(event["ended"])))
    school = [
        ("School", controller["party_name"]),
        ("URN", str(controller["urn"])),
        ("DfE number", controller["dfe_number"] or NOT_GIVEN),
    ]
    partner = [
        ("App", recipient["app"]),
        ("Partner", recipient["party_name"]),
        ("ICO registration number", recipient["ico_number"] or NOT_GIVEN),
        ("Contact if data is lost or stolen", recipient["party_contact"] or NOT_GIVEN),
        ("Data sharing agreement", recipient["agreement"] or NOT_GIVEN),
    ]
    record = [
        ("Receipt number", content["record_id"]),
        ("Authorisation number", content["authorisation_id"]),
        ("Issued by", content["iss"]),
        ("Law of", content["pii_processing"]["jurisdiction"]),
        ("Form", content["schema_version"]),
    ]
    told = [("Decision", rows), ("Whose data (the controller)", school), ("Who receives it", partner)]
    return [*told, *map(_told, content["pii_processing"]["purposes"]), ("About this receipt", record)]


def title(content: dict[str, Any]) -> str:
    """`Revoked: Reading Room`."""
    return f"{STATES[content['event']['event_type']][1]}: {content['party_identification'][1]['app']}"


def _told(purpose: dict[str, Any]) -> Section:
    rows = [
        ("Scope", purpose["services"][0]["scope"]),
        ("What for, in the words of the partner", purpose["purpose"]),
        ("Lawful basis", purpose["lawful_basis"] or NOT_GIVEN),
        ("Kept for", purpose["retention_period"] or NOT_GIVEN),
        ("Asked for as", "required" if purpose["required"] else "optional"),
    ]
    if purpose["special_category"]:
        rows.insert(3, ("Condition for special-category data", purpose["special_category_condition"] or NOT_GIVEN))
    return f"Data: {purpose['services'][0]['title']}", rows


def _purposes(authorisation: Authorisation) -> list[dict[str, Any]]:
    """What was agreed to, word for word; the app's words of today where nobody kept those of then."""
    app = authorisation.app
    agreed = {row["scope"]: row for row in authorisation.terms or ()}
    asked = {row.scope: row for row in app.scopes}
    return [
        _purpose(scope, agreed.get(scope), asked.get(scope), app.retention)
        for scope in _in_order(authorisation.scopes, asked)
    ]


def _purpose(scope: str, agreed: dict[str, Any] | None, asked: Any, retention: str | None) -> dict[str, Any]:
    known = SCOPES.get(scope)
    words = agreed or {}
    condition = words.get("special_condition") or (asked.special_condition if asked else None)
    return {
        "purpose": words.get("purpose") or (asked.purpose if asked else NOT_GIVEN),
        "services": [{"scope": scope, "title": words.get("title") or _title(scope)}],
        "pii_attributes": list(known.fields) if known else [],
        "required": words["required"] if "required" in words else bool(asked and asked.required),
        "lawful_basis": lawful.words(words.get("legal_basis", asked.legal_basis if asked else None)) or None,
        "special_category": bool(known and known.special),
        "special_category_condition": lawful.words(condition) or None,
        "retention_period": retention,
    }


def _in_order(scopes: Iterable[str], asked: Iterable[str]) -> list[str]:
    """As the app lists them; those that it no longer asks for come last."""
    order = list(asked)
    return sorted(scopes, key=lambda scope: order.index(scope) if scope in order else len(order))


def _title(scope: str) -> str:
    return SCOPES[scope].title if scope in SCOPES else scope


def _controller(db: Session, school: School) -> dict[str, Any]:
    register = Establishment.by_urn(db, school.urn)
    return {
        "party_role": CONTROLLER,
        "party_name": school.name,
        "urn": school.urn,
        "dfe_number": register.dfe_number if register else None,
    }


def _recipient(authorisation: Authorisation) -> dict[str, Any]:
    app, partner = authorisation.app, authorisation.app.partner
    return {
        "party_role": RECIPIENT,
        "party_name": partner.name,
        "app": app.name,
        "client_id": app.client_id,
        "ico_number": partner.ico_number,
        "party_contact": partner.breach_contact,
        "agreement": partner.agreement_url,
    }


def _decider(
    db: Session, school: School, authorisation: Authorisation, kind: str, by: uuid.UUID | None
) -> dict[str, str]:
    """Somebody of the school by role and name; else the partner, or Gatehouse when the day had come."""
    held = [one.role for one in Membership.of(db, by) if one.school_id == school.id] if by else []
    person = db.get(Account, by) if by and held else None
    if person:
        return {"role": min(held, key=EVERYBODY.index), "name": person.name}
    if kind == "returned":
        return {"role": RECIPIENT, "name": authorisation.app.partner.name}
    return {"role": OPERATOR, "name": "Gatehouse"}


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _signed(db: Session, content: dict[str, Any]) -> str:
    """A compact JWS (RFC 7515) whose header says alg, kid and typ, in this order and nothing else."""
    ring = keys.load(db)
    if not ring.keys:
        keys.ensure(db)  # a command may come before the first start of the server, which makes them
        ring = keys.load(db)
    key = ring.signing(keys.ES256)
    assert isinstance(key.private, EllipticCurvePrivateKey)  # noqa: S101 - what ES256 means
    payload = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return jws.serialize_compact(header(key.kid), payload, ECKey.import_key(key.private))


def header(kid: str) -> dict[str, str]:
    """The protected header of every receipt that this key signed."""
    return {"alg": keys.ES256, "kid": kid, "typ": TYP}
