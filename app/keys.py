"""Our signing keys: ES256, made on first need, sealed at rest."""

import json

from joserfc.jwk import ECKey

from app.db import Session
from app.models.signing_key import SigningKey
from app.secrets import seal, unseal

PURPOSE = "signing key"


def ensure(db: Session) -> None:
    """Make the first signing key if there is none."""
    if SigningKey.published(db):
        return
    key = ECKey.generate_key("P-256", private=True)
    private = key.as_dict(private=True)
    db.add(SigningKey(kid=key.thumbprint(), algorithm="ES256", sealed=seal(json.dumps(private), PURPOSE)))
    db.flush()


def public_set(db: Session) -> dict[str, list[dict[str, str]]]:
    """The JWK Set (RFC 7517) that partners verify our signatures with: public members only."""
    return {"keys": [_public(row) for row in SigningKey.published(db)]}


def _public(row: SigningKey) -> dict[str, str]:
    key = ECKey.import_key(json.loads(unseal(row.sealed, PURPOSE)))
    members = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return members | {"kid": row.kid, "alg": row.algorithm, "use": "sig"}
