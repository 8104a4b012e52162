"""Where the protocol meets the database: calls that arrive together go together (see `app/batch.py`).

`write` runs a caller's group function, one queue for each. `client` and `access` read, and keep what they found
for at most 0.8 seconds; a withdrawal by this very process drops everything at once. So a revocation holds for every
call that starts more than a second later, wherever it was made.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import time
import uuid
from collections.abc import Callable, Collection, Hashable
from typing import Any, Generic, Protocol, TypeVar

from app.batch import Batch
from app.db import DatabaseAway, PoolExhausted, Session, sessions
from app.errors import OAuthError
from app.models import backing
from app.models.base import ago
from app.models.endpoint import HeldEndpointToken, agents_access_tokens
from app.models.partner import NOTED_SECONDS, App, AppSecret
from app.models.spent_id import RETURNED, SpentId

KEPT_SECONDS = 0.8
KEPT_MOST = 4_000
clock = time.monotonic


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """An app as the token endpoint needs to know it."""

    id: uuid.UUID
    client_id: str
    partner_id: uuid.UUID
    profile: str
    auth_method: str
    is_suspended: bool
    redirect_uris: tuple[str, ...]
    asks: tuple[str, ...]  # the scopes that it may ask for
    jwks: dict[str, Any] | None
    secrets: dict[bytes, dt.datetime | None]  # the digest of each, and when it was last used
    pairwise_key: bytes

    @property
    def is_public(self) -> bool:
        return self.auth_method == "none"


async def client(client_id: str) -> Client | None:
    return await _clients(client_id)


async def secret_used(client: Client, digest: bytes) -> None:
    """Note that a secret of the app was right: at most once an hour, and never at the cost of the call itself."""
    last = client.secrets[digest]
    if last is None or last <= ago(NOTED_SECONDS):
        with contextlib.suppress(DatabaseAway, PoolExhausted):
            await _uses(digest)


async def access(digest: bytes) -> backing.HeldToken | None:
    """An access token, dead or alive, with what stands behind it."""
    return await _access_tokens(digest)


async def refresh(digest: bytes) -> backing.HeldToken | None:
    """A refresh token likewise, to look at; exchanging one reads it anew."""
    return await _refresh_tokens(digest)


async def is_returned(digest: bytes) -> bool:
    """Whether the app gave back the client_credentials token of this id (see `single_use.py`)."""
    return bool(await _returned_ids(digest))


async def endpoint(digest: bytes) -> HeldEndpointToken | None:
    """An agent's access token, dead or alive, with what stands behind it."""
    return await _endpoint_tokens(digest)


class Single(Protocol):
    """A call about one single-use thing. Two calls about the same thing take turns within a group."""

    @property
    def digest(self) -> bytes: ...


S = TypeVar("S", bound=Single)
Answer = TypeVar("Answer")
Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


async def write(work: Callable[[Session, list[S]], list[Answer | OAuthError]], call: S) -> Answer:
    """Run `work` for this call and those that arrived with it; answered, or raised, after the commit.

    Each kind of work has a queue and transactions of its own. Two kinds in one would lock authorisations twice over, in
    no common order, and could wait for each other for ever.
    """
    if work not in _writes:
        _writes[work] = Batch(sessions.begin_group, functools.partial(_take_turns, work))
    answer: Answer = await _writes[work](call)
    return answer


def _take_turns(work: Callable[[Session, list[Any]], list[Any]], db: Session, calls: list[Any]) -> list[Any]:
    answers: dict[int, Any] = {}
    waiting = list(enumerate(calls))
    while waiting:
        turn: dict[bytes, tuple[int, Any]] = {}
        later = []
        for number, call in waiting:
            if turn.setdefault(call.digest, (number, call))[0] != number:
                later.append((number, call))
        done = work(db, [call for _, call in turn.values()])
        answers.update(zip((number for number, _ in turn.values()), done, strict=True))
        waiting = later
    return [answers[number] for number in range(len(calls))]


class _Kept(Generic[Key, Found]):
    """What was read a moment ago, unless this process has withdrawn a right since. Absence is never kept."""

    def __init__(self, find: Callable[[Session, Collection[Key]], dict[Key, Found]]) -> None:
        self._kept: dict[Key, tuple[float, int, Found]] = {}
        self._read: Batch[Key, Found | None] = Batch(
            sessions.read_group, lambda db, keys: _each(find(db, set(keys)), keys)
        )

    async def __call__(self, key: Key) -> Found | None:
        # Both are noted before the read: a withdrawal that falls between would otherwise go unseen.
        started, withdrawals = clock(), sessions.withdrawals
        kept = self._kept.get(key)
        if kept and started - kept[0] < KEPT_SECONDS and kept[1] == withdrawals:
            return kept[2]
        found = await self._read(key)
        if len(self._kept) >= KEPT_MOST:
            self._kept.clear()
        if found is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = (started, withdrawals, found)
        return found


def _each(found: dict[Key, Found], keys: list[Key]) -> list[Found | None]:
    return [found.get(key) for key in keys]


def _find_clients(db: Session, client_ids: Collection[str]) -> dict[str, Client]:
    apps = App.by_client_ids(db, client_ids)
    secrets = AppSecret.active(db, [app.id for app in apps])
    return {
        app.client_id: Client(
            app.id,
            app.client_id,
            app.partner_id,
            app.profile,
            app.auth_method,
            app.is_suspended,
            tuple(app.redirect_uris),
            tuple(row.scope for row in app.scopes),
            app.jwks,
            secrets.get(app.id, {}),
            app.partner.pairwise_key,
        )
        for app in apps
    }


def _find_returned(db: Session, digests: Collection[bytes]) -> dict[bytes, bool]:
    returned = SpentId.spent(db, RETURNED, digests)
    return {digest: digest in returned for digest in digests}


def _note_uses(db: Session, digests: list[bytes]) -> list[None]:
    AppSecret.mark_used(db, digests)
    return [None] * len(digests)


_uses: Batch[bytes, None] = Batch(sessions.begin_group, _note_uses)
_writes: dict[Callable[..., Any], Batch[Any, Any]] = {}
_clients = _Kept(_find_clients)
_access_tokens = _Kept(backing.access_tokens)
_refresh_tokens = _Kept(backing.refresh_tokens)
_endpoint_tokens = _Kept(agents_access_tokens)
_returned_ids = _Kept(_find_returned)
