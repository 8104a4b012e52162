"""How long everything lives, in words, from the settings and constants that decide it."""

import math
from dataclasses import dataclass

from app.oauth import assertion, client_credentials, dpop, par
from app.oauth.refresh_token import LOST_RESPONSE
from app.oauth.store import KEPT_SECONDS
from app.settings import settings


@dataclass(frozen=True)
class Lifetime:
    what: str
    time: str
    meaning: str


def all_of() -> list[Lifetime]:
    """In the order in which a partner meets them."""
    lost_response = words(int(LOST_RESPONSE.total_seconds()))
    return [
        Lifetime(
            "Pushed request (request_uri)",
            words(par.SECONDS),
            "From the answer of the PAR endpoint until the browser brings it here. It is presented once.",
        ),
        Lifetime(
            "Waiting request",
            words(settings.partner_request_seconds),
            "Once a browser has brought a request, it waits in that browser while the person signs in, or registers"
            " the school first. Your redirect address and scopes are checked again when it is completed.",
        ),
        Lifetime(
            "Authorization code",
            words(settings.authorization_code_seconds),
            "Works once. Presented again by your app, it ends every token that came of it.",
        ),
        Lifetime(
            "Access token",
            words(settings.access_token_seconds),
            "Opaque: ask the introspection endpoint what it is worth, or just use it.",
        ),
        Lifetime(
            "Access token at partner level",
            words(client_credentials.SECONDS),
            "From client_credentials: a JWT, without a refresh token. Ask for another when it has expired.",
        ),
        Lifetime(
            "ID token",
            words(settings.id_token_seconds),
            "Says that the person signed in just now. It is no session: yours lasts as long as you decide.",
        ),
        Lifetime(
            "Refresh token",
            "As long as the authorisation",
            "Exchanging it gives another one and the old one is used up, unless your app authenticates and binds its"
            " tokens by DPoP: then it stays the same. A used one that comes back ends all tokens of its line.",
        ),
        Lifetime(
            "Lost response",
            lost_response,
            "If the answer to a refresh never reached you, send the same refresh token again within this time. It is"
            " accepted as long as nobody has used its successor, so a broken connection does not lose you a school.",
        ),
        Lifetime(
            "Client assertion",
            f"{words(assertion.LONGEST_LIFE)} at most",
            "Its exp may be so far ahead; a minute is enough. Each counts once, and your clock may be"
            f" {words(assertion.AHEAD)} ahead of ours.",
        ),
        Lifetime(
            "DPoP proof",
            words(dpop.PAST),
            f"From its iat, which may be {words(dpop.FUTURE)} ahead of our clock. Each counts once."
            f" A nonce of ours is good for {words(dpop.NONCE_SECONDS)}.",
        ),
        Lifetime(
            "Authorisation",
            f"{settings.authorisation_months} months at most",
            "The school sees the end date when it decides, and can end, pause or renew it on any day.",
        ),
        Lifetime(
            "After a revocation",
            f"{math.ceil(KEPT_SECONDS)} second",
            "Every call that starts more than a second after the school revoked or paused is refused, next pages"
            " included. What your app has read before is for your agreement with the school.",
        ),
    ]


def words(seconds: int) -> str:
    """`60 seconds`, `10 minutes`, `1 hour`, `24 hours`: exactly, in the unit that people would use."""
    if seconds >= 3600 and seconds % 3600 == 0:
        return "1 hour" if seconds == 3600 else f"{seconds // 3600} hours"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds // 60} minutes"
    return f"{seconds} seconds"
