"""How often somebody may fail. Failures and tries in flight count, in a window that slides, in this process."""

import ipaddress
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import Request

from app.errors import Problem
from app.secrets import TooBusy

_limits: list["Limit"] = []
_counting = threading.Lock()


class TooManyTries(Problem):
    """Refused unheard: it failed too often of late. `Retry-After` says in seconds when to come back."""

    status = 429
    title = "Too many tries"

    def __init__(self, seconds: int) -> None:
        minutes = -(-seconds // 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"To keep accounts safe, we have stopped for a while. Wait {wait}, then try again.")
        self.headers["Retry-After"] = str(seconds)


class Limit:
    """At most `most` failures in `seconds` for each key. It remembers 50,000 keys, the newest ones."""

    def __init__(self, most: int, seconds: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._failures: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._lock = threading.Lock()
        _limits.append(self)

    def wait(self, key: Hashable) -> int:
        """Seconds until this key may try again; 0 when it may now."""
        with self._lock:
            failures = self._failures.get(key, deque())
            start = self._clock() - self._seconds
            while failures and failures[0] <= start:
                failures.popleft()
            return 0 if len(failures) < self._most else int(failures[0] - start) + 1

    def failed(self, key: Hashable) -> None:
        with self._lock:
            self._failures.setdefault(key, deque()).append(self._clock())
            self._failures.move_to_end(key)
            if len(self._failures) > 50_000:
                self._failures.popitem(last=False)

    def forgive(self, key: Hashable) -> None:
        """Take the newest failure back."""
        with self._lock:
            if failures := self._failures.get(key):
                failures.pop()

    def forget(self) -> None:
        with self._lock:
            self._failures.clear()


@dataclass(frozen=True)
class Try:
    """One try, and the limits that it stands under. It counts as a failure from its start until it is forgiven."""

    under: tuple[tuple[Limit, Hashable], ...]

    def count(self) -> None:
        """Count it before anything is looked at, so that no more run side by side than the limits allow.

        Raises TooManyTries, and counts nothing, when a limit is used up.
        """
        with _counting:
            if seconds := max(limit.wait(key) for limit, key in self.under):
                raise TooManyTries(seconds)
            for limit, key in self.under:
                limit.failed(key)

    def forgive(self) -> None:
        """Give back what `count` took: it was right."""
        for limit, key in self.under:
            limit.forgive(key)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count it; what is refused unheard inside is given back."""
        self.count()
        try:
            yield
        except TooBusy:
            self.forgive()
            raise


def network(request: Request) -> str:
    """Where a request comes from: its IPv4 address, or the /64 of its IPv6 address, which one subscriber holds."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))


def forget_all() -> None:
    """Start counting afresh everywhere."""
    for limit in _limits:
        limit.forget()
