"""The demo's people, schools and apps. Nobody here exists; secrets are derived, so that repeating gives the same."""

import base64
import hashlib
import hmac
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from app import secrets
from app.db import Session, sessions
from app.errors import Problem
from app.models import lawful
from app.models.account import ADMIN, APPROVER, CALLER, OPERATOR_ADMIN, PARTNER_USER, Account, Membership, SecondStep
from app.models.base import ago, now
from app.models.establishment import Establishment
from app.models.partner import FAPI2, OIDC, App, AppScope, AppSecret, Partner
from app.models.roster.batch import ONEROSTER
from app.models.roster.head import Roster
from app.models.school import SUSPENDED, UNVERIFIED, VERIFIED, School
from app.models.scope import EMAIL, OPENID, PROFILE, SCOPES
from app.models.verification import APPROVED, NEW, Verification
from app.registration import working_days
from app.roster import difference
from app.samples import rosters
from app.settings import settings

DAY = 86_400
SCHOOLS = (
    ("oak", VERIFIED, "Asha Patel"),
    ("elm", VERIFIED, "Tom Whitfield"),
    ("ash", UNVERIFIED, "Grace Okafor"),
    ("fir", SUSPENDED, "Ivor Pugh"),
)
OPERATORS = (
    ("caller@gatehouse.example", "Carys Bell", CALLER),
    ("approver@gatehouse.example", "Aidan Price", APPROVER),
    ("admin@gatehouse.example", "Adele Admin", OPERATOR_ADMIN),
)
PARTNER_PEOPLE = (("developer@reading-room.example", "Dev Lowe"),)
APPS = (
    ("reading-room", "Reading Room", "standard", "client_secret_basic"),
    ("reading-room-fapi2", "Reading Room for Trusts", "fapi2", "private_key_jwt"),
    ("reading-room-oidc", "Reading Room Classic", "oidc", "client_secret_post"),
    ("reading-room-mobile", "Reading Room Mobile", "standard", "none"),
)
TEST_APP = ("reading-room-test", "Reading Room Next", "standard", "client_secret_basic")
PURPOSES = {
    "school": "To set up your school in Reading Room under its right name and address, and to send orders there.",
    OPENID: "So that your librarians sign in to Reading Room without another password.",
    PROFILE: "To show on the issue desk who is working at it.",
    EMAIL: "To write to whoever has ordered something when it is ready.",
    "students": "To give each pupil a library card with the right name and year.",
    "students.contact": "To write to older pupils when a book is overdue.",
    "students.upn": "To keep a pupil’s reading record when your MIS changes.",
    "students.demographics": "To recommend books for the right age.",
    "students.sen": "To offer books in large print and as audio to whoever needs them.",
    "students.fsm": "To waive charges for lost books.",
    "contacts": "To know who may collect a book for a pupil.",
    "contacts.contact": "To write to a parent when a book is lost.",
    "staff": "To let teachers borrow, and see what their classes read.",
    "staff.contact": "To write to a teacher whose class set is due.",
    "groups": "To show a teacher the loans of each class.",
}
PEOPLE = ("students", "groups", "contacts")  # what every app asks for and no school need share
MORE = tuple(scope for scope in PURPOSES if scope not in ("school", OPENID, PROFILE, EMAIL, *PEOPLE))


class Unsafe(Problem):
    title = "Demo accounts exist only in development and test"


def seed(db: Session) -> dict[str, Any]:
    """Make what is missing, and say everything a script needs, as contract.md lays it down."""
    if settings.is_production:
        raise Unsafe(hint="Set GATEHOUSE_ENVIRONMENT to development or test.")
    if db.get(Partner, _id("partner")) is None:
        _partner(db)
    operators = [_sign_in(_person(db, email, name, role=role), role=role) for email, name, role in OPERATORS]
    schools = [_school(db, key, status, name) for key, status, name in SCHOOLS]
    schools += (
        [_school(db, "yew", VERIFIED, "Pat Password", second_step=False)] if settings.environment == "test" else []
    )
    return {
        "issuer": settings.issuer,
        "schools": schools,
        "operators": operators,
        "apps": [*(_app(db, *app) for app in APPS), _app(db, *TEST_APP, is_live=False)],
        "partner_users": [
            _sign_in(_person(db, email, name, role=PARTNER_USER, partner_id=_id("partner")))
            for email, name in PARTNER_PEOPLE
        ],
    }


def seed_rosters() -> None:
    """Invented people for the two Verified schools, where nobody is there yet: a secondary and a primary."""
    for key, first_year, years in (("oak", 7, 5), ("elm", 0, 7)):
        school_id = _id(key)
        with sessions.read() as db:
            has_one = Roster.of(db, school_id) is not None
        if has_one:
            continue
        with sessions.begin(school=school_id) as db:
            number = Roster.next_number(db, school_id)
            found = difference.compare(db, school_id, rosters.invented(first_year, years), {})
            difference.write(db, school_id, found, number)
            Roster.arrived(db, school_id, ONEROSTER, found.people)


def _school(db: Session, key: str, status: str, admin: str, second_step: bool = True) -> dict[str, Any]:
    """A registered school of the sample register, and its Estab Admin."""
    school = db.get(School, _id(key))
    if school is None:
        record = School.first_unregistered(db)
        registered, decided = (now(), None) if status == UNVERIFIED else (ago(7 * DAY), ago(6 * DAY))
        school = School(id=_id(key), urn=record.urn, name=record.name, status=status, is_test=True)
        school.registered_at, school.status_at = registered, decided or registered
        db.add(school)
        db.flush()
        code = secrets.seal(f"{_derived(key)[0] % 90 + 10}-{_derived(key)[1] % 90 + 10}", "readback")
        due = working_days.due(registered, settings.verification_target_days)
        case = Verification(school_id=school.id, state=NEW, readback_sealed=code, opened_at=registered, due_at=due)
        if decided:
            caller, approver = (_id(email) for email, _, _ in OPERATORS[:2])
            case.state, case.confirmed_by = APPROVED, caller
            case.decided_by, case.decided_at = approver, decided
        db.add(case)
    listed = Establishment.by_urn(db, school.urn)
    dfe_number = listed.dfe_number if listed else None
    person = _person(
        db,
        f"{key}@schools.gatehouse.example",
        admin,
        role=ADMIN,
        school_id=school.id,
        username=(dfe_number or str(school.urn)).replace("/", ""),
        second_step=second_step,
    )
    signs_in = _sign_in(person)
    del signs_in["email"]
    return {
        "urn": school.urn,
        "dfe_number": dfe_number,
        "name": school.name,
        "status": school.status,
        "admin": {"username": person.username, **signs_in},
    }


def _person(
    db: Session,
    email: str,
    name: str,
    *,
    role: str,
    school_id: uuid.UUID | None = None,
    partner_id: uuid.UUID | None = None,
    username: str | None = None,
    second_step: bool = True,
) -> Account:
    """An account past its first sign-in."""
    found = db.get(Account, _id(email))
    if found is not None:
        return found
    person = Account(
        id=_id(email),
        username=username,
        name=name,
        email=email,
        mobile="+447700900123",
        password_hash=secrets.hash_password(_password(email)),
        needs_second_step=second_step,
    )
    db.add(person)
    db.flush()
    db.add(Membership(account_id=person.id, school_id=school_id, partner_id=partner_id, role=role))
    if second_step:
        seed = secrets.seal(_totp_seed(email), "totp")
        db.add(SecondStep(account_id=person.id, sealed=seed, confirmed_at=now()))
    db.flush()
    return person


def _sign_in(person: Account, **more: Any) -> dict[str, Any]:
    totp = _totp_seed(person.email) if person.needs_second_step else None
    return {"email": person.email, "password": _password(person.email), "totp_secret": totp, **more}


def _partner(db: Session) -> None:
    db.add(
        Partner(
            id=_id("partner"),
            name="Reading Room Ltd",
            website="https://reading-room.example",
            ico_number="ZA123456",
            agreement_url="https://reading-room.example/data-sharing-agreement",
            breach_contact="privacy@reading-room.example",
        )
    )
    db.flush()


def _app(
    db: Session, client_id: str, name: str, profile: str, auth_method: str, *, is_live: bool = True
) -> dict[str, Any]:
    key = _private_jwk(client_id) if auth_method == "private_key_jwt" else None
    secret = None if key or auth_method == "none" else _client_secret(client_id)
    app = App.by_client_id(db, client_id)
    if app is None:
        public = {name: value for name, value in key.items() if name != "d"} if key else None
        app = App(
            client_id=client_id,
            partner_id=_id("partner"),
            name=name,
            profile=profile,
            auth_method=auth_method,
            redirect_uris=[f"http://127.0.0.1:{settings.demo_port}/callback"],
            post_logout_redirect_uris=[f"http://127.0.0.1:{settings.demo_port}/"],
            jwks={"keys": [public]} if public else None,
            is_live=is_live,
            live_at=now() if is_live else None,
            retention="Until your school ends data sharing, then 30 days",
        )
        db.add(app)
        db.flush()
        asked = ["school", OPENID, *((PROFILE, EMAIL) if profile == OIDC else ()), *PEOPLE]
        asked += MORE if profile == FAPI2 else ()
        for place, scope in enumerate(asked):
            asks = {"required": scope == "school", "purpose": PURPOSES[scope], "legal_basis": lawful.PUBLIC_TASK}
            condition = lawful.PUBLIC_INTEREST if SCOPES[scope].special else None
            db.add(AppScope(app_id=app.id, scope=scope, position=place, special_condition=condition, **asks))
        if secret:
            db.add(AppSecret(digest=secrets.digest(secret), app_id=app.id, hint=secret[-4:]))
        db.flush()
        db.refresh(app)
    credential = {"private_jwk": key} if key else {"client_secret": secret}
    return {
        "name": app.name,
        "partner": app.partner.name,
        "client_id": app.client_id,
        **credential,
        "redirect_uris": app.redirect_uris,
        "profile": app.profile,
        "scopes": [scope.scope for scope in app.scopes],
        "live": app.is_live,
    }


def _derived(label: str) -> bytes:
    """32 bytes that this installation always gives for a label."""
    return hmac.digest(settings.secret_keys[-1].get_secret_value().encode(), f"sample {label}".encode(), "sha256")


def _id(label: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"gatehouse sample {label}")


def _password(label: str) -> str:
    return "-".join(_derived(f"password {label}").hex()[i : i + 5] for i in (0, 5, 10))


def _totp_seed(label: str) -> str:
    return base64.b32encode(_derived(f"totp {label}")[:20]).decode()


def _client_secret(client_id: str) -> str:
    body = base64.urlsafe_b64encode(_derived(f"client {client_id}")).decode().rstrip("=")
    return secrets.with_checksum(f"gh_cs_{body}")


def _private_jwk(client_id: str) -> dict[str, str]:
    """An ES256 key whose private number is derived: any number from 1 to the order of the curve will do."""
    number = int.from_bytes(hashlib.sha256(_derived(f"key {client_id}")).digest()) >> 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = ECKey.import_key(pem)
    members = {name: str(value) for name, value in key.as_dict(private=True).items()}
    return members | {"kid": key.thumbprint(), "alg": "ES256", "use": "sig"}
