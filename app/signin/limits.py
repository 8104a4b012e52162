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

QUARTER_HOUR, HOUR, DAY, YEAR = 900, 3600, 86_400, 365 * 86_400
MOST_ACCOUNTS = 5  # of one browser: a shared computer of the school office

_by_login = Limit(10, QUARTER_HOUR)
_by_network = Limit(100, QUARTER_HOUR)
_by_device = Limit(10, QUARTER_HOUR)
_codes = Limit(10, QUARTER_HOUR)
_codes_of_a_day = Limit(30, DAY)
_again = Limit(10, QUARTER_HOUR)
_contact_changes = Limit(10, DAY)
_resets_by_login = Limit(10, HOUR)
_resets_by_network = Limit(100, HOUR)
_resets_by_device = Limit(10, HOUR)
_reset_codes = Limit(10, QUARTER_HOUR)
_reset_codes_by_network = Limit(100, QUARTER_HOUR)
_challenges = Limit(300, QUARTER_HOUR)


def password(request: Request, login: str, accounts: Iterable[Account]) -> Try:
    """Trying a password. Counted by what was typed, so that the answer is the same for what is nobody's."""
    typed = _typed(login)
    if is_known(request, accounts):
        device, _ = _device(request)
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


def challenge(request: Request) -> Try:
    """Asking for something that a passkey may sign: each is a row, and is never given back."""
    return Try(((_challenges, network(request)),))


def contact_change(account: Account) -> Try:
    """Asking for another address or mobile, which each time mails or texts somebody."""
    return Try(((_contact_changes, account.id),))


def reset(request: Request, login: str, accounts: Iterable[Account]) -> Try:
    """Asking for a code by text. Every one counts, right or not, and by what was typed, as with passwords."""
    if is_known(request, accounts):
        device, _ = _device(request)
        return Try(((_resets_by_device, (device, _typed(login))),))
    return Try(((_resets_by_login, _typed(login)), (_resets_by_network, network(request))))


def reset_code(request: Request, secret: str) -> Try:
    """Trying a texted code, in the browser that asked for it; a device that somebody used stands for its network."""
    device, _ = _device(request)
    return Try(((_reset_codes, digest(secret)), (_reset_codes_by_network, device or network(request))))


def is_known(request: Request, accounts: Iterable[Account]) -> bool:
    """Whether one of these accounts signed in completely on this device."""
    device, known = _device(request)
    return bool(device) and not known.isdisjoint(str(account.id) for account in accounts)


def remember(request: Request, response: Response, account: Account) -> None:
    """Let the browser prove from now on that this account signed in completely on it."""
    device, known = _device(request)
    accounts = [str(account.id), *sorted(known - {str(account.id)})][:MOST_ACCOUNTS]
    value = sign({"device": device or uuid.uuid4().hex, "accounts": accounts}, "device")
    cookies.put(response, "device", value, YEAR)


def _typed(login: str) -> bytes:
    """What was typed as a login: of one length, however long that is."""
    return digest(login.lower().replace("/", "").replace(" ", ""))


def _device(request: Request) -> tuple[str, set[str]]:
    """The device that the cookie names, and the accounts that it knows; an empty name without a valid cookie."""
    found: Any = signed(request.cookies.get(cookies.name("device"), ""), "device", YEAR)
    return (found["device"], set(found["accounts"])) if found else ("", set())
