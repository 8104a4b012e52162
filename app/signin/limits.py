"""Who may try how often: by account, by network and by device.

A browser that signed in completely before carries a signed cookie, and with it an allowance of its own. So whoever
fails at somebody's account from elsewhere, however often, keeps nobody from a device that they have used.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.models.account import Account
from app.secrets import digest, sign, signed
from app.web import cookies
from app.web.throttle import Limit, Try, network

QUARTER_HOUR, DAY, YEAR = 900, 86_400, 365 * 86_400
MOST_ACCOUNTS = 5  # of one browser: a shared computer of the school office

_by_login = Limit(10, QUARTER_HOUR)
_by_network = Limit(100, QUARTER_HOUR)
_by_device = Limit(10, QUARTER_HOUR)
_codes = Limit(10, QUARTER_HOUR)
_codes_of_a_day = Limit(30, DAY)
_again = Limit(10, QUARTER_HOUR)


def password(request: Request, login: str, accounts: Iterable[Account]) -> Try:
    """Trying a password. Counted by what was typed, so that the answer is the same for what is nobody's."""
    typed = digest(login.lower().replace("/", "").replace(" ", ""))  # of one length, however long the login
    device, known = _device(request)
    if device and not known.isdisjoint(str(account.id) for account in accounts):
        return Try(((_by_device, (device, typed)),))
    return Try(((_by_login, typed), (_by_network, network(request))))


def code(request: Request, account: Account) -> Try:
    """Trying a code, which only somebody with the password can."""
    device, known = _device(request)
    key = (device, account.id) if device and str(account.id) in known else account.id
    return Try(((_codes, key), (_codes_of_a_day, key)))


def password_again(account: Account) -> Try:
    """Typing one's password again, inside a session."""
    return Try(((_again, account.id),))


def remember(request: Request, response: Response, account: Account) -> None:
    """Let the browser prove from now on that this account signed in completely on it."""
    device, known = _device(request)
    accounts = [str(account.id), *sorted(known - {str(account.id)})][:MOST_ACCOUNTS]
    value = sign({"device": device or uuid.uuid4().hex, "accounts": accounts}, "device")
    cookies.put(response, "device", value, YEAR)


def _device(request: Request) -> tuple[str, set[str]]:
    """The device that the cookie names, and the accounts that it knows; an empty name without a valid cookie."""
    found: Any = signed(request.cookies.get(cookies.name("device"), ""), "device", YEAR)
    return (found["device"], set(found["accounts"])) if found else ("", set())
