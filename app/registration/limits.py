"""How many messages strangers may make us send, so that nobody's inbox is flooded through us."""

import ipaddress
import uuid

from starlette.requests import Request

from app.errors import Problem
from app.settings import settings
from app.web.throttle import Limit, TooManyTries, Try, network

HOUR = 3600
LINKS_TO_ONE_ADDRESS, LINKS_FROM_ONE_NETWORK = 10, 100

_to_address = Limit(LINKS_TO_ONE_ADDRESS, HOUR)
_from_network = Limit(LINKS_FROM_ONE_NETWORK, HOUR)
_access_to_school = Limit(5, HOUR)
_access_from_network = Limit(20, HOUR)
_questions = Limit(5, HOUR)


class TooManyMessages(Problem):
    """Not sent. `Retry-After` says in seconds when to come back."""

    status = 429
    title = "We have sent as many messages as we may for now"


def link(request: Request, email: str) -> None:
    """Count a verification mail to this address from this network. Raises TooManyMessages."""
    under = [(_to_address, _inbox(email))]
    # Everybody on a developer's machine shares one network.
    if settings.is_production or not _is_loopback(network(request)):
        under.append((_from_network, network(request)))
    _count(Try(tuple(under)), "Look in your junk folder for the ones before")


def access(request: Request, urn: int) -> None:
    """Count a request for access to a school. Raises TooManyMessages."""
    _count(Try(((_access_to_school, urn), (_access_from_network, network(request)))), "Or ring us instead")


def question(school_id: uuid.UUID) -> None:
    """Count a question to our support. Raises TooManyMessages."""
    _count(Try(((_questions, school_id),)), "Or ring us instead")


def _count(sending: Try, advice: str) -> None:
    try:
        sending.count()
    except TooManyTries as many:
        minutes = -(-int(many.headers["Retry-After"]) // 60)
        refused = TooManyMessages(hint=f"{advice}, or try again in {minutes} minute{'' if minutes == 1 else 's'}")
        refused.headers["Retry-After"] = many.headers["Retry-After"]
        raise refused from many


def _inbox(email: str) -> str:
    """The address without its `+tag`, which many providers deliver to the same inbox."""
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_network(address).network_address.is_loopback
    except ValueError:
        return False
