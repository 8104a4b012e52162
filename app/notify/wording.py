"""From a template and facts to a message on its way: the wording itself is in `templates/mail/`."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.db import Session
from app.notify.outbox import EMAIL, SMS, enqueue
from app.settings import ROOT, settings
from app.web.pages import day, duration, weekday, when


def mail(db: Session, template: str, to: str, links: list[str] | None = None, **facts: Any) -> None:
    """A mail to one address; `links` are those that its text holds and that may be followed."""
    written = _templates().get_template(f"{template}.txt").render(settings=settings, **facts)
    subject, _, text = re.sub(r"\n{3,}", "\n\n", written).partition("\n")
    enqueue(db, EMAIL, to, subject, text.strip() + "\n", links=links or [])


def sms(db: Session, template: str, to: str, **facts: Any) -> None:
    """A text message to one mobile, on one line."""
    lasts = duration(settings.reset_code_seconds)
    written = _templates().get_template(f"{template}.txt").render(settings=settings, lasts=lasts, **facts)
    enqueue(db, SMS, to, "", " ".join(written.split()))


@cache
def _templates() -> Environment:
    made = Environment(  # noqa: S701 - plain text; the HTML beside it is made, and escaped, when the mail is sent
        loader=FileSystemLoader(ROOT / "templates/mail"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(day=day, weekday=weekday, when=when)
    made.filters.update(line=_line, greeting=_greeting, person=_person, machine=_machine)
    return made


def _line(text: str) -> str:
    """What somebody typed, kept on one line and free of control characters."""
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())


def _greeting(name: str) -> str:
    """`Hello Ada Bright,`: only a name that looks like one, so that nobody can make us mail their own message."""
    return f"Hello {name}," if _is_name(name) else "Hello,"


def _person(name: str) -> str:
    """The name that a stranger gave, in a message to somebody else: only one that looks like a name, as above."""
    return name if _is_name(name) else "left out, because it does not look like a name"


def _machine(name: str) -> str:
    """What a machine calls itself: only what looks like a host's name, as above."""
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", name) else "left out, because it is unusual"


def _is_name(name: str) -> bool:
    pattern = r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f '’-]|\.(?=\s|$|\w(?:\.|\s))){0,59}"
    return re.fullmatch(pattern, name) is not None
