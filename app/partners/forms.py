"""What partners and operators type, checked."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, field_validator

from app.errors import Problem
from app.models.partner import FAPI2, STANDARD
from app.models.scope import OPENID, SCOPES
from app.oauth import metadata
from app.partners.apps import keys, lacking_reasons
from app.partners.service import BY_KEY, Asking, Draft, check
from app.web.forms import Fault, shown

_SOUND = Draft(name="Sound", redirect_uris=["https://sound.example/"], scopes=[Asking(OPENID)])


def web_address(typed: str) -> str:
    """An https address, or nothing. Raises ValueError."""
    if not typed:
        return ""
    try:
        parts = urlsplit(typed)
        sound = parts.scheme == "https" and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not re.fullmatch(r"[!-~]{1,500}", typed) or set(typed) & set('"<>\\^`{|}'):
        raise ValueError("Enter a full web address that starts with https://")
    return typed


def _one_line(typed: str) -> str:
    line = " ".join(typed.split())
    if not line.isprintable():
        raise ValueError("Leave out characters that cannot be printed")
    return line


class CardForm(BaseModel):
    """What a school reads about the partner before it says yes."""

    website: str = ""
    ico_number: str = ""
    breach_contact: str = Field(default="", max_length=200, description="The contact must be 200 characters or fewer")
    agreement_url: str = ""

    _addresses = field_validator("website")(web_address)
    _line = field_validator("breach_contact")(_one_line)

    @field_validator("agreement_url")
    @classmethod
    def _is_an_agreement(cls, typed: str) -> str:
        return web_address(typed)

    @field_validator("ico_number")
    @classmethod
    def _is_a_registration(cls, typed: str) -> str:
        number = typed.replace(" ", "").upper()
        if number and not re.fullmatch(r"Z[A-Z]?[0-9]{5,7}|[0-9]{8}", number):
            raise ValueError("Enter the registration number as the ICO writes it, such as ZA123456")
        return number

    @property
    def card(self) -> dict[str, str | None]:
        return {name: value or None for name, value in self.model_dump(exclude={"name"}).items()}


class PartnerForm(CardForm):
    name: str = Field(description="Enter the company’s name, in at most 100 characters", min_length=1, max_length=100)

    _name = field_validator("name")(_one_line)


class Reason(BaseModel):
    reason: str = Field(default="", max_length=1000, description="The reason must be 1,000 characters or fewer")

    @field_validator("reason")
    @classmethod
    def _is_given(cls, typed: str) -> str:
        if not typed.strip():
            raise ValueError("Enter a reason")
        return typed.strip()


class DetailsForm(BaseModel):
    """An app's details; addresses one a line."""

    name: str = Field(description="Enter the app’s name, in at most 60 characters", min_length=1, max_length=60)
    retention: str = Field(default="", max_length=200, description="Say it in 200 characters or fewer")
    redirect_uris: str = Field(default="", max_length=20_000)
    post_logout_redirect_uris: str = Field(default="", max_length=20_000)
    initiate_login_uri: str = Field(default="", max_length=2000)

    _lines = field_validator("name", "retention")(_one_line)

    @property
    def details(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "retention": self.retention,
            "redirect_uris": list(dict.fromkeys(self.redirect_uris.split())),
            "post_logout_redirect_uris": list(dict.fromkeys(self.post_logout_redirect_uris.split())),
            "initiate_login_uri": self.initiate_login_uri,
        }


def asked(sent: dict[str, str]) -> list[Asking]:
    """The scopes that a form asks for: `ask-NAME` is no, required or optional. Other names in it count for nothing."""
    found = []
    for name in metadata.OFFERED:
        if name in SCOPES and sent.get(f"ask-{name}") in ("required", "optional"):
            found.append(
                Asking(
                    scope=name,
                    required=sent[f"ask-{name}"] == "required",
                    purpose=sent.get(f"purpose-{name}", "")[:1000],
                    legal_basis=sent.get(f"legal_basis-{name}") or None,
                    special_condition=(SCOPES[name].special and sent.get(f"special_condition-{name}")) or None,
                )
            )
    return found


def new_app(sent: dict[str, str]) -> tuple[Draft | None, list[Fault]]:
    """The Test app that a form describes; where anything is wrong none, and all that is to be put right."""
    faults: list[Fault] = []
    details: dict[str, Any] = {}
    try:
        details = DetailsForm.model_validate(sent).details
    except ValidationError as wrong:
        faults += shown(wrong, DetailsForm)
    way: dict[str, Any] = {
        "profile": FAPI2 if sent.get("profile") == FAPI2 else STANDARD,
        "auth_method": sent.get("auth_method", ""),
    }
    wanted = asked(sent)
    try:
        way["jwks"] = keys(sent["jwks"]) if sent.get("jwks") else None
    except Problem as wrong:
        faults += shown(wrong)
    for field, piece in _pieces(sent, way, wanted):
        try:
            check(dataclasses.replace(_SOUND, **piece))
        except Problem as wrong:
            faults.append(Fault(wrong.text, wrong.field or field))
    faults += [Fault(lack.text, lack.field) for lack in lacking_reasons(wanted)]
    return (None if faults else Draft(**details, **way, scopes=wanted, is_live=False)), faults


def _pieces(sent: dict[str, str], way: dict[str, Any], wanted: list[Asking]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is judged by itself, so that one mistake hides no other: each with the field that it came from."""
    yield "name", {"name": sent.get("name", "")}
    if "jwks" in way:
        yield "jwks" if way["auth_method"] == BY_KEY else "auth_method", way
    if not sent.get("redirect_uris"):
        yield "redirect_uris", {"redirect_uris": []}
    for field in ("redirect_uris", "post_logout_redirect_uris", "initiate_login_uri"):
        typed = sent.get(field, "")
        for uri in [typed] if field == "initiate_login_uri" and typed else typed.split():
            yield field, {"redirect_uris": [uri]}
    yield f"ask-{metadata.OFFERED[0]}", {"scopes": wanted}
