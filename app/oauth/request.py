"""The strict parser of OAuth parameters (RFC 6749 sections 3.1 and 3.2, appendix B): each once, in UTF-8."""

import dataclasses
from urllib.parse import parse_qsl, unquote_to_bytes, urlencode

from starlette.requests import Request

from app.errors import OAuthError

MOST_PARAMETERS = 100
LONGEST = 32_000
FORM = "application/x-www-form-urlencoded"
REPEATABLE = ("resource",)  # RFC 8707 section 2


@dataclasses.dataclass(frozen=True)
class Parameters:
    """What was sent. A parameter without a value counts as absent; a wrong one is in `faults`, never in `values`.

    `pushed`: by the app itself, which had authenticated, and not through a browser (RFC 9126).
    """

    values: dict[str, str]
    resources: list[str] = dataclasses.field(default_factory=list)
    faults: dict[str, str] = dataclasses.field(default_factory=dict)
    pushed: bool = False

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def required(self, name: str) -> str:
        """Raises OAuthError invalid_request when absent."""
        if name not in self.values:
            raise OAuthError("invalid_request", f"The parameter {name} is missing.")
        return self.values[name]

    def check(self) -> None:
        """Raises OAuthError invalid_request when anything was sent twice or cannot be read."""
        for fault in self.faults.values():
            raise OAuthError("invalid_request", fault)


def parse(raw: bytes) -> Parameters:
    """Read a query string or a form body. Never raises: what is wrong is noted under its name."""
    if len(raw) > LONGEST:
        return Parameters({}, faults={"": f"The request is longer than {LONGEST} bytes."})
    if raw.count(b"&") >= MOST_PARAMETERS:
        return Parameters({}, faults={"": f"The request has more than {MOST_PARAMETERS} parameters."})
    values: dict[str, str] = {}
    resources: list[str] = []
    faults: dict[str, str] = {}
    sent: set[str] = set()
    for pair in filter(None, raw.split(b"&")):
        named, _, encoded = pair.partition(b"=")
        name = _unquoted(named).decode("latin-1")
        if name in sent and name not in REPEATABLE:
            faults[name] = f"The parameter {_safe(name)} was sent more than once."
        sent.add(name)
        try:
            value = _unquoted(encoded).decode()
        except UnicodeDecodeError:
            faults.setdefault(name, f"The parameter {_safe(name)} is not UTF-8.")
            continue
        if "\x00" in value:
            faults.setdefault(name, f"The parameter {_safe(name)} holds a NUL character.")
        elif name in REPEATABLE and value:
            resources.append(value)
        elif value:
            values[name] = value
    for name in faults:
        values.pop(name, None)
    return Parameters(values, resources, faults)


def _unquoted(encoded: bytes) -> bytes:
    spaced = encoded.replace(b"+", b" ")
    return unquote_to_bytes(spaced) if b"%" in spaced else spaced


def is_form(request: Request) -> bool:
    """Whether the body says that it is a form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def as_query(request: Request, body: bytes) -> str:
    """The parameters of a form post as the query of a GET, behind those that its address has."""
    # Through Latin-1, so that bytes which are not UTF-8 stay what they are and are refused as such.
    query = (request.scope["query_string"] + b"&" + body).decode("latin-1")
    return urlencode(parse_qsl(query, keep_blank_values=True, encoding="latin-1"), encoding="latin-1")


async def form(request: Request) -> Parameters:
    """The body of a request by a program: a form, whole and alone. Raises OAuthError invalid_request."""
    if request.scope["query_string"]:
        raise OAuthError("invalid_request", "Send the parameters in the body, not in the address.")
    if not is_form(request):
        raise OAuthError("invalid_request", f"Send the parameters as {FORM}.")
    sent = parse(await request.body())
    sent.check()
    return sent


def _safe(name: str) -> str:
    """A parameter's name as it may stand in an error description: printable ASCII, not long."""
    return "".join(letter for letter in name if (letter.isascii() and letter.isalnum()) or letter in "_-.")[:40]
