"""`gatehouse operator`: the people of the onboarding team."""

from enum import StrEnum
from typing import Annotated

import typer

from app.cli.output import AsJson, failures, say

app = typer.Typer(no_args_is_help=True, help="The people of the onboarding team.")


class Role(StrEnum):
    CALLER = "caller"
    APPROVER = "approver"
    ADMIN = "admin"


@app.callback()
def _group() -> None:
    """A group of its own, although it has one command."""


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="The address that this person signs in with.")],
    role: Annotated[Role, typer.Option(help="What this person may do.")],
    name: Annotated[str, typer.Option(help="Shown on cases; left out, it is made from the address.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add an operator, and print the first password, once. Safe to repeat."""
    from email_validator import EmailNotValidError, validate_email

    from app.db import sessions
    from app.settings import settings
    from app.signin.service import add_operator

    try:
        address = validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as wrong:
        raise typer.BadParameter(f"{email} is not an e-mail address. {wrong}") from wrong
    name = name.strip() or address.partition("@")[0].replace(".", " ").title()
    with failures(), sessions.begin() as db:
        account, password = add_operator(db, email=address, name=name, role=role.value)
    sentence = f"{address} is an operator with the role {role.value} already. Nothing was changed."
    if password:
        hours = settings.first_password_seconds // 3600
        sentence = (
            f"{account.name} <{address}> signs in at {settings.issuer}/sign-in with this password, shown only now:\n"
            f"{password}\nIt works for {hours} hours, and has to be changed at the first sign-in."
        )
    facts = {"email": address, "name": account.name, "role": role.value, "password": password}
    say(as_json, sentence, **facts, added=password is not None)
