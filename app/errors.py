"""What can go wrong, as two exception families. `web/errors.py` renders them."""


class Problem(Exception):
    """A mistake its reader can mend: `title` says what happened, `hint` what to do, `field` which input to look at."""

    status = 400
    title = "There is a problem"

    def __init__(self, hint: str = "", field: str = "", title: str = "") -> None:
        self.title = title or self.title
        self.hint = hint
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
