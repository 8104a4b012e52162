"""The ids by which a partner knows what is in a school's roster: its own, for ever the same, nothing to anybody else.

An id of ours and a mark of its school are one block of AES-256 under a key of the partner's (ADR 23). That is a
permutation, so two rows never share an id, it can be turned back without a table of pairs, and an id that was made up,
or made for another school or partner, comes back without the school's mark and names nothing.
"""

import hmac
import uuid
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

PERSON, GROUP, COURSE, SESSION, ENROLMENT = "person", "group", "course", "session", "enrolment"
DIGITS = 32  # hexadecimal, of one block


class Ids:
    """One partner's ids of one kind of row at one school."""

    def __init__(self, partner_key: bytes, kind: str, school_id: uuid.UUID) -> None:
        key = hmac.digest(partner_key, f"roster {kind}".encode(), "sha256")
        # One block for one row, and no row twice: what ECB is bad at, telling equal blocks, is what is wanted here.
        self._cipher = Cipher(AES256(key), ECB())  # noqa: S305
        self._mark = school_id.bytes[8:]

    def shown(self, ids: Sequence[int]) -> list[str]:
        """Our ids as this partner knows them, in the same order."""
        blocks = b"".join([self._mark + own.to_bytes(8, "big") for own in ids])
        text = self._cipher.encryptor().update(blocks).hex()
        return [text[at : at + DIGITS] for at in range(0, len(text), DIGITS)]

    def own(self, shown: str) -> int | None:
        """Our id behind one of this partner's; None for everything else."""
        try:
            block = bytes.fromhex(shown)
        except ValueError:
            return None
        if len(block) != DIGITS // 2 or shown != block.hex():
            return None
        told = self._cipher.decryptor().update(block)
        return int.from_bytes(told[8:], "big") if told[:8] == self._mark else None
