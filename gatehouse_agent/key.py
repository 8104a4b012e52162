"""The agent's key pair: made on this machine, never sent, and shown to the server anew with every call (RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gatehouse_agent import files
from gatehouse_agent.errors import AgentError

BYTES = 32  # of a number of the curve P-256


class Key:
    """An EC key on P-256. `jwk` is its public half (RFC 7517), `thumbprint` that of RFC 7638."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        point = private.public_key().public_numbers()
        x, y = (encoded(number.to_bytes(BYTES, "big")) for number in (point.x, point.y))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        self.thumbprint = encoded(hashlib.sha256(canonical.encode()).digest())

    @property
    def fingerprint(self) -> str:
        """The thumbprint as the page shows it on which the agent is approved: in groups of four."""
        return " ".join(self.thumbprint[start : start + 4] for start in range(0, len(self.thumbprint), 4))

    def proof(self, method: str, url: str, at: float, token: str | None = None, nonce: str | None = None) -> str:
        """The DPoP proof of one call (RFC 9449 section 4.2). `at`: the time at the server, in seconds since 1970."""
        claims: dict[str, Any] = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "iat": int(at)}
        if token is not None:
            claims["ath"] = encoded(hashlib.sha256(token.encode()).digest())
        if nonce is not None:
            claims["nonce"] = nonce
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._private.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{encoded(r.to_bytes(BYTES, 'big') + s.to_bytes(BYTES, 'big'))}"


def made(path: Path) -> Key:
    """A new key, kept in the file; whatever key was there is gone."""
    private = ec.generate_private_key(ec.SECP256R1())
    with files.replacing(path) as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Key(private)


def kept(path: Path) -> Key:
    """The key in the file. Raises AgentError."""
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as wrong:
        raise AgentError(
            f'The key {path} cannot be read: {wrong}. Run "gatehouse-agent unenrol", then enrol again.'
        ) from wrong
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise AgentError(f'{path} is not the agent\'s key. Run "gatehouse-agent unenrol", then enrol again.')
    return Key(private)


def encoded(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
