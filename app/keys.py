"""Our signing keys: ES256, and RS256 for those who need it; made on first need, sealed at rest, rotated at will.

A rotation adds keys that are published at once and sign a quarter of a minute later. Every process reads its keys anew
within `KEPT_SECONDS`, and partners may keep the published set for `PARTNERS_KEEP_SECONDS`; the two and the commit of a
rotation fit into `LEAD_SECONDS`, so nobody meets a signature whose key is not published yet. The old keys stay
published for as long as anything that they signed can live.
"""

import dataclasses
import datetime as dt
import json
from functools import cached_property, lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import ECKey, RSAKey

from app.db import Session
from app.models.base import now
from app.models.signing_key import SigningKey
from app.secrets import seal, unseal
from app.settings import settings

PURPOSE = "signing key"
ES256, RS256 = "ES256", "RS256"
ALGORITHMS = (ES256, RS256)
LEAD_SECONDS = 15
KEPT_SECONDS = 4.0
PARTNERS_KEEP_SECONDS = 10
SPARE_SECONDS = 60

Private = EllipticCurvePrivateKey | RSAPrivateKey


@dataclasses.dataclass(frozen=True)
class Key:
    """A signing key as a process holds it; it is unsealed when it is first used."""

    kid: str
    algorithm: str
    sealed: str
    starts_at: dt.datetime
    ends_at: dt.datetime | None

    @property
    def private(self) -> Private:
        """Raises ValueError when the key that sealed it has left SECRET_KEYS."""
        return _opened(self.sealed)[0]

    @property
    def public(self) -> dict[str, str]:
        """The JWK (RFC 7517) that partners verify with: public members only."""
        return _opened(self.sealed)[1] | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def is_published(self, at: dt.datetime) -> bool:
        return self.ends_at is None or self.ends_at > at


@dataclasses.dataclass(frozen=True)
class Ring:
    """Every key that we ever had, newest first."""

    keys: tuple[Key, ...]

    def signing(self, algorithm: str) -> Key:
        """The key that signs at this moment."""
        at = now()
        return next(k for k in self.keys if k.algorithm == algorithm and k.starts_at <= at and k.is_published(at))

    def state(self, key: Key) -> str:
        """One word for a list: waiting, signing, published or ended."""
        at = now()
        if not key.is_published(at):
            return "ended"
        if key.starts_at > at:
            return "waiting"
        return "signing" if key is self.signing(key.algorithm) else "published"

    def public_set(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set that is published at this moment."""
        at = now()
        return {"keys": [key.public for key in self.keys if key.is_published(at)]}

    @cached_property
    def by_kid(self) -> dict[str, Key]:
        return {key.kid: key for key in self.keys}


def load(db: Session) -> Ring:
    rows = SigningKey.every(db)
    return Ring(tuple(Key(row.kid, row.algorithm, row.sealed, row.starts_at, row.ends_at) for row in rows))


def ensure(db: Session) -> None:
    """Make the first key of each algorithm that has none."""
    if missing := _missing(db):
        SigningKey.lock(db)  # and look again: another process may be starting just now
        missing = _missing(db)
    starts_at = now()
    db.add_all(_row(_generate(algorithm), starts_at) for algorithm in missing)
    db.flush()


def rotate(db: Session) -> list[SigningKey]:
    """Replace the keys: the new ones, which sign from `LEAD_SECONDS` on; the old end when all they signed has."""
    pairs = [_generate(algorithm) for algorithm in ALGORITHMS]  # first, for it takes a while
    SigningKey.lock(db)
    starts_at = now() + dt.timedelta(seconds=LEAD_SECONDS)
    longest = max(settings.id_token_seconds, settings.access_token_seconds)
    for old in SigningKey.every(db):
        if old.ends_at is None:
            old.ends_at = starts_at + dt.timedelta(seconds=longest + SPARE_SECONDS)
    fresh = [_row(pair, starts_at) for pair in pairs]
    db.add_all(fresh)
    db.flush()
    return fresh


def _missing(db: Session) -> list[str]:
    there = {row.algorithm for row in SigningKey.every(db) if row.ends_at is None}
    return [algorithm for algorithm in ALGORITHMS if algorithm not in there]


def _generate(algorithm: str) -> ECKey | RSAKey:
    return ECKey.generate_key("P-256") if algorithm == ES256 else RSAKey.generate_key(2048)


def _row(key: ECKey | RSAKey, starts_at: dt.datetime) -> SigningKey:
    algorithm = ES256 if isinstance(key, ECKey) else RS256
    sealed = seal(json.dumps(key.as_dict(private=True)), PURPOSE)
    return SigningKey(kid=key.thumbprint(), algorithm=algorithm, sealed=sealed, starts_at=starts_at)


@lru_cache(maxsize=64)
def _opened(sealed: str) -> tuple[Private, dict[str, str]]:
    """The private key, and the public members of its JWK."""
    members: dict[str, Any] = json.loads(unseal(sealed, PURPOSE))
    key = ECKey.import_key(members) if members["kty"] == "EC" else RSAKey.import_key(members)
    private = key.private_key
    if not isinstance(private, EllipticCurvePrivateKey | RSAPrivateKey):
        raise ValueError("a signing key without its private part")
    public = ("kty", "crv", "x", "y", "n", "e")
    return private, {name: str(members[name]) for name in public if name in members}
