"""Compact JWS (RFC 7515) that others have signed: DPoP proofs and client assertions.

Which algorithm counts is ours to say, and a key only ever serves the one that fits its type. Nothing in the header
leads anywhere: no address in it is fetched, no certificate in it is trusted.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from app import base64url, strict_json

LONGEST = 8192
LONGEST_TEXT = 256
EDWARDS = ("EdDSA", "Ed25519")  # one and the same here: libraries say one (RFC 8037) or the other (RFC 9864)
STRONG = ("ES256", "PS256", *EDWARDS)
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Members that change what the signature covers (crit, b64) or name a key elsewhere. `kid` and `jwk` have their readers.
UNWANTED = frozenset({"crit", "b64", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip"})
MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}  # RFC 7638 section 3.2

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | Ed25519PublicKey


class Unsound(Exception):
    """Not a signed object that we take; the text says why, in printable ASCII and without a secret."""


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A public key, what it may verify, and its RFC 7638 thumbprint."""

    public: PublicKey
    algorithms: tuple[str, ...]
    thumbprint: str


@dataclasses.dataclass(frozen=True, slots=True)
class Jws:
    """Read and well formed; nothing in it is true until `verify`."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    def verify(self, key: Key, allowed: Collection[str]) -> None:
        """Raises Unsound unless this key signed it, by an algorithm that is allowed and fits the key."""
        algorithm = self.header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in allowed or algorithm not in key.algorithms:
            raise Unsound(f"Sign it with one of {', '.join(allowed)}, and with a key of that type.")
        try:
            _verify(key.public, algorithm, self.signature, self.signed)
        except (InvalidSignature, ValueError):
            raise Unsound("The signature is wrong.") from None

    def text(self, name: str) -> str:
        """A claim that must be a text of 1 to 256 printable characters. Raises Unsound."""
        value = self.claims.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT or not value.isprintable():
            raise Unsound(f"The claim {name} must be a text of 1 to {LONGEST_TEXT} printable characters.")
        return value

    def moment(self, name: str) -> float | None:
        """A claim that is a time in seconds (RFC 7519 NumericDate), if it is there. Raises Unsound."""
        value = self.claims.get(name)
        if value is None and name not in self.claims:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
            raise Unsound(f"The claim {name} must be a number of seconds since 1970.")
        return value


def read(text: str, types: Collection[str]) -> Jws:
    """Take a compact JWS apart. `types`: what `typ` may say, in lower case; "" lets it be absent. Raises Unsound."""
    if len(text) > LONGEST:
        raise Unsound(f"It is longer than {LONGEST} characters.")
    parts = text.split(".")
    if len(parts) != 3:
        raise Unsound("It is not a compact JWS: three parts with dots between them.")
    header, claims = _object(parts[0]), _object(parts[1])
    if found := UNWANTED & header.keys():
        raise Unsound(f"Leave {sorted(found)[0]} out of the header.")
    kind = header.get("typ", "")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
        raise Unsound("The typ of the header is another than the one for this use.")
    return Jws(header, claims, f"{parts[0]}.{parts[1]}".encode(), _decoded(parts[2]))


def key(jwk: Any) -> Key:
    """A public key as a JWK (RFC 7517): P-256, Ed25519, or RSA of 2048 to 4096 bits. Raises Unsound."""
    if not isinstance(jwk, Mapping):
        raise Unsound("The key is not a JWK object.")
    if PRIVATE & jwk.keys():
        raise Unsound("The key has private members. Send the public half.")
    kind = jwk.get("kty")
    members = MEMBERS.get(kind) if isinstance(kind, str) else None
    if members is None or not all(isinstance(jwk.get(name), str) for name in members):
        raise Unsound("The key must be of type EC (P-256), OKP (Ed25519) or RSA, with all its members.")
    if jwk.get("use", "sig") != "sig":
        raise Unsound("The key is not for signing.")
    found = _key(tuple((name, jwk[name]) for name in members))
    if "alg" not in jwk:
        return found
    named = EDWARDS if jwk["alg"] in EDWARDS else (jwk["alg"],)
    return dataclasses.replace(found, algorithms=tuple(name for name in found.algorithms if name in named))


@lru_cache(maxsize=1024)
def _key(members: tuple[tuple[str, str], ...]) -> Key:
    """Kept, because an app signs with the same key again and again, and reading one costs as much as a signature."""
    jwk = dict(members)
    canonical = json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    thumbprint = base64url.encoded(hashlib.sha256(canonical).digest())
    try:
        public, algorithms = _public(jwk)
    except ValueError:
        raise Unsound("The key cannot be read.") from None
    return Key(public, algorithms, thumbprint)


def _public(jwk: dict[str, str]) -> tuple[PublicKey, tuple[str, ...]]:
    if jwk["kty"] == "EC" and jwk["crv"] == "P-256":
        x, y = (int.from_bytes(_exactly(jwk[name], 32)) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key(), ("ES256",)
    if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
        return Ed25519PublicKey.from_public_bytes(_exactly(jwk["x"], 32)), EDWARDS
    if jwk["kty"] != "RSA":
        raise Unsound("The curve must be P-256 or Ed25519.")
    modulus, exponent = _decoded(jwk["n"]), _decoded(jwk["e"])
    if modulus[:1] == b"\0" or exponent[:1] == b"\0" or len(exponent) > 4:
        raise Unsound("The members of the RSA key are not in their shortest form.")
    numbers = rsa.RSAPublicNumbers(int.from_bytes(exponent), int.from_bytes(modulus))
    if not 2048 <= numbers.n.bit_length() <= 4096:
        raise Unsound("An RSA key needs 2048 to 4096 bits.")
    return numbers.public_key(), ("PS256", "RS256")


def _verify(public: PublicKey, algorithm: str, signature: bytes, signed: bytes) -> None:
    if isinstance(public, ec.EllipticCurvePublicKey):
        if len(signature) != 64:  # RFC 7518 section 3.4
            raise InvalidSignature
        numbers = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        public.verify(numbers, signed, ec.ECDSA(SHA256()))
    elif isinstance(public, Ed25519PublicKey):
        public.verify(signature, signed)
    elif algorithm == "PS256":
        public.verify(signature, signed, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())
    else:
        public.verify(signature, signed, padding.PKCS1v15(), SHA256())


def _decoded(text: str) -> bytes:
    try:
        return base64url.decoded(text)
    except ValueError:
        raise Unsound("A part is not base64url.") from None


def _exactly(text: str, length: int) -> bytes:
    raw = _decoded(text)
    if len(raw) != length:
        raise Unsound("A member of the key has the wrong length.")
    return raw


def _object(part: str) -> dict[str, Any]:
    try:
        found = strict_json.read(_decoded(part).decode(), LONGEST)
    except ValueError:
        raise Unsound("Header and claims must be JSON objects that name no member twice.") from None
    if not isinstance(found, dict):
        raise Unsound("Header and claims must be JSON objects.")
    return found
