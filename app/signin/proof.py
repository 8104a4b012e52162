"""A fresh proof of who one is, asked for inside a form that was sent: nothing typed is lost on the way round."""

from starlette.requests import Request

from app.db import sessions
from app.models.base import now
from app.signin.account import WRONG_PASSWORD, knows_password
from app.signin.reauth import proven_lately
from app.signin.session import Person, signed_in
from app.web.forms import Fault
from app.web.throttle import TooManyTries

LATE = Fault("Enter your password, then press the button again. What you typed is still in the form", "password")


def lacking(request: Request, person: Person, sent: dict[str, str]) -> list[Fault]:
    """What keeps a form from counting: nothing where the person proved lately who they are, or does so with it.

    Show the form again with these and what was sent; its template asks for the password by `prove` of
    partners/parts.html. Ask outside every other database unit.
    """
    if proven_lately(request, person) is None:
        return []
    if not sent.get("password"):
        return [LATE]
    try:
        if not knows_password(person, sent):
            return [WRONG_PASSWORD]
    except TooManyTries as wrong:
        return [Fault(wrong.text, "password")]
    with sessions.begin() as db:
        signed_in(request, db).session.proved_at = now()
    return []
