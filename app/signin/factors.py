"""The second step: codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds)."""

import re
import time

import pyotp
import segno

from app.db import Session
from app.models.account import Account
from app.models.account import Session as SignIn
from app.secrets import same, seal, unseal
from app.settings import settings

STEP_SECONDS = 30


def time_step(sealed: str, code: str) -> int | None:
    """The time step whose code this is: the current one, the one before or the one after; else None."""
    authenticator = pyotp.TOTP(unseal(sealed, "totp"))
    digits = re.sub(r"[^0-9]", "", code)
    current = int(time.time()) // STEP_SECONDS
    fitting = [step for step in (current, current - 1, current + 1) if same(authenticator.generate_otp(step), digits)]
    return fitting[0] if fitting else None


def begin_setup(db: Session, session: SignIn) -> str:
    """The sealed seed that this session sets up, made on the first call: a reload must show the same picture."""
    if session.seed_sealed is None:
        session.seed_sealed = seal(pyotp.random_base32(), "totp")
        db.flush()
    return session.seed_sealed


def seed_to_show(sealed: str, account: Account) -> tuple[str, str]:
    """The seed in base 32, and a picture (data URI, SVG) that an authenticator app scans."""
    seed = unseal(sealed, "totp")
    issuer = "Gatehouse" if settings.is_production else f"Gatehouse ({settings.environment})"
    address = pyotp.TOTP(seed).provisioning_uri(name=account.username or account.email, issuer_name=issuer)
    return seed, segno.make(address, error="m").svg_data_uri(scale=5, light="#fff")
