"""Our cookies: `__Host-` ones over https; on http, where those cannot be, plain names with the port."""

from urllib.parse import urlsplit

from starlette.responses import Response

from app.settings import settings


def name(part: str = "") -> str:
    """`__Host-gatehouse`, `__Host-gatehouse-device`, or `gatehouse_8000` where two servers share a host name."""
    issuer = urlsplit(settings.issuer)
    if issuer.scheme == "https":
        return "-".join(filter(None, ("__Host-gatehouse", part)))
    return "_".join(filter(None, ("gatehouse", part, str(issuer.port or settings.port))))


def put(response: Response, part: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie; without `max_age` it goes when the browser is closed."""
    secure = settings.issuer.startswith("https://")
    response.set_cookie(name(part), value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="lax")


def drop(response: Response, part: str = "") -> None:
    secure = settings.issuer.startswith("https://")
    response.delete_cookie(name(part), path="/", secure=secure, httponly=True, samesite="lax")
