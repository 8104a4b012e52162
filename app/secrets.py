"""Secrets: making, hashing, sealing and signing them.

Three rules. What we generate has 256 bits and is stored as SHA-256. What a person chose is stored as Argon2id, at most
four computed at a time and sixteen waiting. What must be read again is sealed with AES-256-GCM under a versioned key
ring.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from itsdangerous import BadData, URLSafeTimedSerializer
from passlib.hash import argon2

from app.settings import settings

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]  # the digits of base 3844
_hasher = argon2.using(type="ID", memory_cost=19_456, time_cost=2, parallelism=1)
_at_most_four = threading.BoundedSemaphore(4)
# Waiting callers hold threads that every other page needs too.
_places = threading.BoundedSemaphore(4 + 16)


class TooBusy(Exception):
    """Unheard: sixteen others wait already for a password to be computed."""


def new_secret(prefix: str) -> str:
    """A fresh 256-bit secret such as `gh_at_…`: prefix and CRC-32 checksum let leak scanners recognise it."""
    return with_checksum(prefix + "_" + secrets.token_urlsafe(32))


def with_checksum(body: str) -> str:
    """The body and its CRC-32 in six characters of base 62."""
    return body + _checksum(body)


def well_formed(secret: str, prefix: str) -> bool:
    """Whether `secret` has the shape and checksum of `new_secret(prefix)`; says nothing of its validity."""
    return secret.isascii() and secret.startswith(prefix + "_") and secret[-6:] == _checksum(secret[:-6])


def _checksum(body: str) -> str:
    rest, low = divmod(zlib.crc32(body.encode()), len(_PAIRS))
    high, middle = divmod(rest, len(_PAIRS))
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def digest(secret: str) -> bytes:
    """SHA-256 of a generated secret (32 bytes): how tokens and links are stored and looked up."""
    return hashlib.sha256(secret.encode()).digest()


def same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


@contextmanager
def _turn() -> Iterator[None]:
    """One of the four. Raises TooBusy when sixteen wait for it already."""
    if not _places.acquire(blocking=False):
        raise TooBusy
    try:
        with _at_most_four:
            yield
    finally:
        _places.release()


def hash_password(password: str) -> str:
    """Argon2id (OWASP: 19 MiB, 2 passes) of a person's password."""
    with _turn():
        return str(_hasher.hash(password))


def password_matches(password: str, hashed: str | None) -> bool:
    """Whether the password is the hashed one; an absent hash costs the same time and never matches."""
    with _turn():
        matches = bool(_hasher.verify(password, hashed or _decoy()))
    return matches and hashed is not None


@cache
def _decoy() -> str:
    """Made on first need: hashing takes longer than most commands do."""
    return str(_hasher.hash(secrets.token_hex(16)))


def _ring() -> dict[str, bytes]:
    """Key id → 256-bit key, newest first. The id is derived, so that a ring can be reordered freely."""
    keys = [
        hashlib.sha256(b"gatehouse seal:" + key.get_secret_value().encode()).digest() for key in settings.secret_keys
    ]
    return {hashlib.sha256(key).hexdigest()[:8]: key for key in keys}


def seal(text: str, purpose: str) -> str:
    """Encrypt what must be read again; `purpose` is bound in, so a TOTP seed never opens as a signing key."""
    key_id, key = next(iter(_ring().items()))
    nonce = secrets.token_bytes(12)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())
    return f"{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, purpose: str) -> str:
    """Decrypt what `seal` made for the same purpose. Raises ValueError when the key or the purpose is another."""
    key_id, _, body = sealed.partition(".")
    raw = base64.urlsafe_b64decode(body)
    try:
        return AESGCM(_ring()[key_id]).decrypt(raw[:12], raw[12:], purpose.encode()).decode()
    except (KeyError, InvalidTag) as wrong:
        raise ValueError(f"cannot unseal a value of purpose {purpose!r}: its key is not in SECRET_KEYS") from wrong


def sign(value: Any, purpose: str) -> str:
    """Sign what travels through a browser or a mail and must come back; readable by its bearer, so never a secret."""
    return str(_signer(purpose).dumps(value))


def signed(text: str, purpose: str, max_age: int) -> Any | None:
    """The value that `sign` wrapped for the same purpose at most `max_age` seconds ago, else None."""
    try:
        return _signer(purpose).loads(text, max_age=max_age)
    except BadData:
        return None


def _signer(purpose: str) -> URLSafeTimedSerializer:
    # itsdangerous signs with the last key of its list and accepts them all.
    ring = [key.get_secret_value() for key in reversed(settings.secret_keys)]
    return URLSafeTimedSerializer(ring, salt=f"gatehouse {purpose}", signer_kwargs={"digest_method": hashlib.sha256})
