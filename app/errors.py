"""What can go wrong, as two exception families. `web/errors.py` renders them."""


class Problem(Exception):
    """A mistake its reader can mend: `title` says what happened, `hint` what to do, `field` which input to look at."""

    status = 400
    title = "There is a problem"

    def __init__(self, hint: str = "", field: str = "", title: str = "") -> None:
        self.title = title or self.title
        self.hint = hint
        self.headers: dict[str, str] = {}
        self.field = field
        super().__init__(self.title)

    @property
    def text(self) -> str:
        """The sentence an error summary shows."""
        return f"{self.title}. {self.hint}" if self.hint else self.title


class NotFound(Problem):
    """Absent, or another tenant's: both answer alike."""

    status = 404
    title = "Page not found"


class NotAllowed(Problem):
    """Signed in, but this account's role may not do that."""

    status = 403
    title = "Your account cannot do this"


class SignInNeeded(Problem):
    """Nobody is signed in, or a step of signing in is still open: the browser is led to that step."""

    status = 401
    title = "Sign in to continue"

    def __init__(self, step: str = "/sign-in") -> None:
        super().__init__()
        self.step = step


class OAuthError(Exception):
    """What the protocol answers instead of a result (RFC 6749 section 5.2): `error` speaks to the machine.

    The description says the fix in printable ASCII and never repeats a secret. `headers` go with the answer, `more`
    are further members of its body. An empty `error` is the RFC 6750 answer to a request without any token.
    """

    def __init__(
        self, error: str, description: str, status: int = 400, headers: dict[str, str] | None = None, **more: str
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status
        self.headers = headers or {}
        self.more = more

    @property
    def body(self) -> dict[str, str]:
        """The JSON object of the answer."""
        return ({"error": self.error} if self.error else {}) | {"error_description": self.description} | self.more
