"""What we sign ourselves (RFC 7515, compact), checking it when it comes back, and the keys we publish (RFC 7517).

`token = await sign({"iss": settings.issuer, ...}, "at+jwt")`; `claims = await verified(token, "at+jwt")`.
"""

import base64
import binascii
import json
import time
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.batch import Batch
from app.db import Session, sessions
from app.keys import ES256, KEPT_SECONDS, PARTNERS_KEEP_SECONDS, Key, Ring, load
from app.models.base import now
from app.settings import settings

LONGEST = 40_000  # a nonce may be as long as a request
_NUMBER = 32  # bytes of either half of an ES256 signature


async def sign(claims: dict[str, Any], typ: str, algorithm: str = ES256) -> str:
    """A JWT of these claims by the key that signs now. `typ` is what tells one kind of token from another."""
    return signed_by(await signing_key(algorithm), claims, typ)


async def signing_key(algorithm: str = ES256) -> Key:
    """For whoever must know, before something that cannot be taken back, that signing will succeed."""
    return (await _ring()).signing(algorithm)


def signed_by(key: Key, claims: dict[str, Any], typ: str) -> str:
    content = _header(key.kid, key.algorithm, typ) + b"." + _encoded(_json(claims))
    return (content + b"." + _encoded(_signature(key, content))).decode()


async def verified(token: str, typ: str, *, even_expired: bool = False) -> dict[str, Any] | None:
    """The claims of a token that we signed as this `typ`, by a key that is published; else None.

    With `even_expired`, by any key that we ever had, because what it signed may be as old as that.
    Its header must be, byte for byte, the one that we write for that key: no parameter of a stranger is ever read.
    """
    return checked(await _ring(), token, typ, even_expired=even_expired)


def checked(ring: Ring, token: str, typ: str, *, even_expired: bool = False) -> dict[str, Any] | None:
    """As `verified`, for a page that has read the keys itself."""
    if len(token) > LONGEST or not token.isascii() or token.count(".") != 2:
        return None
    content, _, signature = token.encode().rpartition(b".")
    header, _, payload = content.partition(b".")
    key = _named(ring, header, typ)
    raw, claims = _decoded(signature), _decoded(payload)
    if key is None or raw is None or claims is None or not (even_expired or key.is_published(now())):
        return None
    if not _is_signature(key, content, raw):
        return None
    said = json.loads(claims)  # our own words, now that the signature is ours
    alive = even_expired or (isinstance(said.get("exp"), int) and said["exp"] > time.time())
    return said if said.get("iss") == settings.issuer and alive else None


async def jwks(_request: Request) -> Response:
    await _ring()
    return _ring.published()


class _Kept:
    """The keys, read again every few seconds: a rotation reaches every process without a restart."""

    def __init__(self) -> None:
        self._kept: tuple[float, Ring] | None = None
        self._answer: Response | None = None
        self._read: Batch[None, Ring] = Batch(sessions.read_group, _load_once)

    async def __call__(self) -> Ring:
        started = time.monotonic()
        if self._kept is None or started - self._kept[0] > KEPT_SECONDS:
            self._kept, self._answer = (started, await self._read(None)), None
        return self._kept[1]

    def published(self) -> Response:
        """The public half of what is kept; made once, because an answer that has been sent can be sent again."""
        if self._answer is None:
            body = self._kept[1].public_set() if self._kept else {"keys": []}
            headers = {"Cache-Control": f"public, max-age={PARTNERS_KEEP_SECONDS}"}
            self._answer = JSONResponse(body, media_type="application/jwk-set+json", headers=headers)
        return self._answer

    def forget(self) -> None:
        self._kept = None


def _load_once(db: Session, calls: list[None]) -> list[Ring]:
    return [load(db)] * len(calls)


_ring = _Kept()


def _named(ring: Ring, header: bytes, typ: str) -> Key | None:
    """The key whose header this is."""
    raw = _decoded(header)
    try:
        key = ring.by_kid[str(json.loads(raw or b"")["kid"])]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return key if header == _header(key.kid, key.algorithm, typ) else None


@lru_cache(maxsize=256)
def _header(kid: str, algorithm: str, typ: str) -> bytes:
    return _encoded(_json({"alg": algorithm, "kid": kid, "typ": typ}))


def _signature(key: Key, content: bytes) -> bytes:
    private = key.private
    if isinstance(private, RSAPrivateKey):
        return private.sign(content, padding.PKCS1v15(), SHA256())
    r, s = decode_dss_signature(private.sign(content, ec.ECDSA(SHA256())))
    return r.to_bytes(_NUMBER) + s.to_bytes(_NUMBER)


def _is_signature(key: Key, content: bytes, raw: bytes) -> bool:
    try:
        private = key.private
        if isinstance(private, RSAPrivateKey):
            private.public_key().verify(raw, content, padding.PKCS1v15(), SHA256())
            return True
        if len(raw) != 2 * _NUMBER:
            return False
        both = encode_dss_signature(int.from_bytes(raw[:_NUMBER]), int.from_bytes(raw[_NUMBER:]))
        private.public_key().verify(both, content, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):  # ValueError: a key that ended long ago and can no longer be unsealed
        return False
    return True


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes | None:
    """What base64url text stands for, if it is written in the one canonical way."""
    try:
        raw = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None
    return raw if raw and _encoded(raw) == text else None
