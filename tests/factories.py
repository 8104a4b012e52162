"""Things that tests need to exist: each function says only what matters, and the rest is usual."""

import time
import uuid
from typing import Any

import pyotp

from app.db import Session, sessions
from app.models.account import ADMIN, Account, Membership, SecondStep
from app.models.account import Session as SignIn
from app.models.authorisation import Authorisation
from app.models.base import ahead, now
from app.models.establishment import OPEN, Establishment
from app.models.partner import App, AppScope, AppSecret, Partner
from app.models.school import UNVERIFIED, School
from app.models.verification import Verification
from app.secrets import digest, hash_password, new_secret, seal
from app.web import cookies
from tests.pages import Browser

PASSWORD = "correct horse battery"
PASSWORD_HASH = hash_password(PASSWORD)
TOTP_SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(offset: int = 0) -> str:
    """What the authenticator app of every made account shows now (`offset` steps of 30 s later)."""
    return pyotp.TOTP(TOTP_SEED).at(int(time.time()) + 30 * offset)


def establishment(db: Session, urn: int = 100001, **columns: Any) -> Establishment:
    usual: dict[str, Any] = {
        "la_code": "888",
        "la_name": "Lancashire",
        "establishment_number": f"{urn % 10000:04}",
        "name": f"Made-up Primary School {urn}",
        "type_code": "01",
        "type_name": "Community school",
        "type_group_code": "4",
        "status_code": OPEN,
        "phase_name": "Primary",
        "street": "Mill Lane",
        "town": "Anytown",
        "postcode": "AN1 1AA",
        "postcode_key": "AN11AA",
        "website": "www.madeup-primary.sch.example",
        "telephone": "01632960001",
        "head_title": "Ms",
        "head_first_name": "Ada",
        "head_last_name": "Bright",
        "ukprn": f"1{urn:07}",
        "digest": b"",
    }
    made = Establishment(urn=urn, **usual | columns)
    db.add(made)
    db.flush()
    return made


def school(db: Session, urn: int = 100001, status: str = UNVERIFIED, **columns: Any) -> School:
    """A registered school; its establishment is made when the directory has none of that URN."""
    record = Establishment.by_urn(db, urn) or establishment(db, urn)
    made = School(urn=urn, status=status, **{"name": record.name} | columns)
    db.add(made)
    db.flush()
    db.add(Verification(school_id=made.id, readback_sealed=seal("KITE-42", "readback"), due_at=ahead(2 * 86400)))
    db.flush()
    return made


def account(db: Session, email: str = "", **columns: Any) -> Account:
    """A person past the first sign-in: password `PASSWORD`, authenticator `TOTP_SEED`."""
    usual = {"name": "Sam Secretary", "password_hash": PASSWORD_HASH, "mobile": "+447400123456"}
    made = Account(email=email or f"{uuid.uuid4().hex[:8]}@madeup-primary.sch.example", **usual | columns)
    db.add(made)
    db.flush()
    db.add(SecondStep(account_id=made.id, sealed=seal(TOTP_SEED, "totp"), confirmed_at=now()))
    db.flush()
    return made


def admin(db: Session, of: School, role: str = ADMIN, **columns: Any) -> Account:
    """An Estab Admin (or another role) of a school; the username is the URN."""
    made = account(db, **{"username": f"{of.urn}-{uuid.uuid4().hex[:4]}"} | columns)
    db.add(Membership(account_id=made.id, school_id=of.id, role=role))
    db.flush()
    return made


def operator(db: Session, role: str, **columns: Any) -> Account:
    made = account(db, **{"name": f"Olive {role.title()}"} | columns)
    db.add(Membership(account_id=made.id, role=role))
    db.flush()
    return made


def app(
    db: Session, name: str = "Reading Room", scopes: tuple[str, ...] = ("school",), **columns: Any
) -> tuple[App, str]:
    """A live app of its own partner, and its client secret. Scopes are required; the first name is enough."""
    partner = Partner(
        name=f"{name} Ltd {uuid.uuid4().hex[:6]}", ico_number="ZA000001", breach_contact="dpo@partner.example"
    )
    db.add(partner)
    db.flush()
    usual = {"redirect_uris": ["https://partner.example/callback"], "is_live": True}
    made = App(client_id=f"app_{uuid.uuid4().hex[:12]}", partner_id=partner.id, name=name, **usual | columns)
    db.add(made)
    db.flush()
    for position, scope in enumerate(scopes):
        purpose = f"To show your {scope} in {name}"
        db.add(AppScope(app_id=made.id, scope=scope, position=position, required=position == 0, purpose=purpose))
    secret = new_secret("gh_cs")
    db.add(AppSecret(app_id=made.id, digest=digest(secret)))
    db.flush()
    db.refresh(made)
    return made, secret


def secret(db: Session, of: App) -> str:
    """One more client secret of an app."""
    made = new_secret("gh_cs")
    db.add(AppSecret(app_id=of.id, digest=digest(made)))
    db.flush()
    return made


def authorisation(
    db: Session, by: Account, of: School, to: App, scopes: tuple[str, ...] = ("school",)
) -> Authorisation:
    made = Authorisation(
        school_id=of.id, app_id=to.id, scopes=list(scopes), granted_by=by.id, expires_at=ahead(365 * 86400)
    )
    db.add(made)
    db.flush()
    return made


def signs_in(browser: Browser, who: Account) -> None:
    """Give the browser a session of this person that is past every step."""
    secret = new_secret("gh_ss")
    with sessions.begin() as db:
        db.add(
            SignIn(
                digest=digest(secret), account_id=who.id, step="done", methods=["pwd", "otp"], expires_at=ahead(3600)
            )
        )
    browser.client.cookies.set(cookies.name(), secret)
