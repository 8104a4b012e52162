"""Who somebody is, as a form asks it: a name and an e-mail address, and what is wrong with each."""

from typing import ClassVar

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, Field, field_validator

from app.settings import settings

LONGEST_NAME = 100


class PersonForm(BaseModel):
    """Who is writing to us. A form about anybody else is a subclass whose `whose` names them in the messages."""

    whose: ClassVar[str] = "your"

    name: str = Field(default="", validate_default=True)
    email: str = Field(default="", validate_default=True)

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return full_name(name, cls.whose)

    @field_validator("email")
    @classmethod
    def _is_an_address(cls, email: str) -> str:
        return address(email, cls.whose)


class SomebodyForm(PersonForm):
    """Who somebody else is, as the person who writes to us knows them."""

    whose: ClassVar[str] = "their"


def full_name(typed: str, whose: str = "your") -> str:
    """A name on one line. Raises ValueError with what to put right."""
    name = " ".join(typed.split())
    if not name:
        raise ValueError(f"Enter {whose} name")
    if not any(mark.isalpha() for mark in name) or not name.isprintable():
        raise ValueError(f"Enter {whose} name in letters, such as Sam O’Neill")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"{whose[0].upper()}{whose[1:]} name must be {LONGEST_NAME} characters or fewer")
    return name


def address(typed: str, whose: str = "your") -> str:
    """An e-mail address in lower case. Raises ValueError with what to put right; a mail shows whether it exists."""
    if not typed:
        raise ValueError(f"Enter {whose} email address")
    try:
        found = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, test_environment=not settings.is_production
        )
    except EmailNotValidError:
        raise ValueError("Enter an email address in the usual form, such as name@school.sch.uk") from None
    return (found.ascii_email or found.normalized).lower()
