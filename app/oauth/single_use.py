"""Ids that count once: whoever signs anew may not send the same signed thing twice, in whichever worker it arrives."""

import dataclasses
import datetime as dt
import time
from collections.abc import Callable

from app.db import Session, withdrawn
from app.errors import OAuthError
from app.models.base import SWEPT_MOST
from app.models.spent_id import RETURNED, SpentId
from app.oauth import store
from app.secrets import digest

SWEPT_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Spending:
    purpose: str
    digest: bytes
    expires_at: dt.datetime


async def spend(purpose: str, owner: str, value: str, expires_at: dt.datetime) -> bool:
    """Use up an id, which is its owner's alone; False when it was used before. It is kept until `expires_at`."""
    return await store.write(_spend, Spending(purpose, _key(owner, value), expires_at))


async def is_returned(owner: str, value: str) -> bool:
    """Whether the app gave back the token of this id, known at most 0.8 seconds late."""
    return await store.is_returned(_key(owner, value))


def _key(owner: str, value: str) -> bytes:
    return digest(f"{owner}\n{value}")


def _spend(db: Session, calls: list[Spending]) -> list[bool | OAuthError]:
    won: set[tuple[str, bytes]] = set()
    for purpose in sorted({call.purpose for call in calls}):
        expiries = {call.digest: call.expires_at for call in calls if call.purpose == purpose}
        won |= {(purpose, spent) for spent in SpentId.spend(db, purpose, expiries)}
    if any(call.purpose == RETURNED for call in calls):
        withdrawn(db)
    _sweep(db)
    return [(call.purpose, call.digest) in won for call in calls]


class Sweep:
    """Now and then a group that writes to a table anyway clears away what no longer matters there."""

    def __init__(self, forget: Callable[[Session], int]) -> None:
        self._forget = forget
        self._last = time.monotonic()

    def __call__(self, db: Session) -> None:
        # Where as many were deleted as may be at once, more are left: the next group goes on.
        if time.monotonic() - self._last > SWEPT_SECONDS and self._forget(db) < SWEPT_MOST:
            self._last = time.monotonic()


_sweep = Sweep(SpentId.forget_expired)
