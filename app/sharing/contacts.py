"""Whom a partner names in an invitation, and what is wrong with how it does."""

from typing import ClassVar

from pydantic import ValidationError

from app.web.forms import Fault, shown
from app.web.people import PersonForm


class Contact(PersonForm):
    """Whom an invitation is for; `prefix` is how its fields begin in a form about several people."""

    whose: ClassVar[str] = "the contact’s"
    prefix: ClassVar[str] = "contact"


class TechnicalContact(Contact):
    """Whom the contact may turn to about the technical side."""

    whose: ClassVar[str] = "the technical contact’s"
    prefix: ClassVar[str] = "technical"


def mistakes(form: type[Contact], name: str, email: str) -> list[Fault]:
    """What is wrong with a name and an address, beside fields such as `contact_email`."""
    try:
        form(name=name, email=email)
    except ValidationError as wrong:
        return [Fault(fault.text, f"{form.prefix}_{fault.field}") for fault in shown(wrong, form)]
    return []
