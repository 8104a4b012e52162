"""Base64url without padding (RFC 7515 section 2), in the one form that stands for the bytes."""

import base64


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Raises ValueError for padding, blanks, stray bits and every other sign."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encoded(raw) != text:
        raise ValueError("not in its one form")
    return raw
