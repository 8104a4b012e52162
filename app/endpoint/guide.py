"""The account that Integris G2's web service needs: its password, its leaving date, and whether it works."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Self

import orjson
from pydantic import BaseModel, Field, field_validator

from app.audit import record
from app.db import Session
from app.endpoint.guide_steps import DEFAULT_PASSWORD, user_id
from app.models.base import today
from app.models.establishment import Establishment
from app.models.mis_guide import MisGuide
from app.models.school import UNVERIFIED, VERIFIED, School
from app.notify import data_messages
from app.roster.sources.integris import Stale, Unusable, WebService
from app.secrets import seal, unseal
from app.signin import passwords
from app.signin.passwords import NotGoodEnough

PURPOSE = "integris"
WARNING_DAYS = 30
MOST_DAYS = 366 * 50
TOGETHER = 50  # of which one write unit of the chore tells


@dataclasses.dataclass(frozen=True)
class Tick:
    """Who did a step, and when."""

    at: dt.datetime
    by: str

    @classmethod
    def of(cls, told: Mapping[str, str], names: Mapping[uuid.UUID, str]) -> Self:
        return cls(dt.datetime.fromisoformat(told["at"]), names.get(uuid.UUID(told["by"]), ""))


class LeavingForm(BaseModel):
    """The day on which Integris ends the account."""

    leaving_date: dt.date = Field(description="Enter the leaving date, such as 2031-08-31")

    @field_validator("leaving_date")
    @classmethod
    def _is_ahead(cls, on: dt.date) -> dt.date:
        if on <= today():
            raise ValueError(
                "That day is not ahead. Give “Web Service” a later leaving date in Integris, then enter it"
            )
        if on > today() + dt.timedelta(days=MOST_DAYS):
            raise ValueError("Enter a date within 50 years")
        return on


def set_password(db: Session, school: School, by: uuid.UUID, password: str, address: str) -> None:
    """Keep the account's password, sealed; it is never shown again. Raises NotGoodEnough.

    The address of the web service is sealed with it: whoever changes where the password is sent must know it.
    """
    if password.strip().casefold() == DEFAULT_PASSWORD:
        title = f"{DEFAULT_PASSWORD} is the password that every new account has"
        raise NotGoodEnough(title=title, hint="Do step 4 first, and enter the new one")
    passwords.check(password, (user_id(_number(db, school)), school.name, "Integris"))
    told = {"password": password, "address": address}
    MisGuide.locked(db, school.id).seal_password(db, seal(orjson.dumps(told).decode(), PURPOSE))
    record(db, "guide.password_set", actor=by, school=school.id, subject=school.id)


def address_of(guide: MisGuide | None) -> str:
    """Where the web service is, as the school said with the password; empty when it did not."""
    return _opened(guide.password_sealed)["address"] if guide and guide.password_sealed else ""


def set_leaving_date(db: Session, school_id: uuid.UUID, on: dt.date) -> None:
    """The account ends on that day; the school is warned before."""
    guide = MisGuide.locked(db, school_id)
    if guide.leaving_date != on:
        guide.leaving_date, guide.leaving_told_at = on, None


def ask_integris(sealed: str, establishment: Establishment) -> str:
    """Whether the account opens this school's data: what is wrong, in a sentence, or nothing. Takes up to a minute."""
    try:
        found = service_of(sealed, establishment.establishment_number).school()
    except Unusable as wrong:
        return str(wrong)
    except Stale:
        return "There is no web service at this address. Check it with RM."
    if _digits(found.dfe_number) != _digits(establishment.dfe_number or ""):
        return "The account is one of another school’s. Make one in your own Integris, as the steps show."
    return ""


def service_of(sealed: str, establishment_number: str | None) -> WebService:
    """The web service that a kept password and address are for."""
    opened = _opened(sealed)
    return WebService(opened["address"], user_id(establishment_number), opened["password"])


def tell_of_leaving(db: Session) -> int:
    """Write to schools whose account ends within 30 days: once for each leaving date."""
    soon = MisGuide.leave_soon(db, today(), today() + dt.timedelta(days=WARNING_DAYS), TOGETHER)
    for guide in soon:
        school = School.by_id(db, guide.school_id)
        if school and guide.leaving_date and school.status in (UNVERIFIED, VERIFIED):
            data_messages.account_leaving(db, school, user_id(_number(db, school)), guide.leaving_date)
    return len(soon)


def _number(db: Session, school: School) -> str | None:
    establishment = Establishment.by_urn(db, school.urn)
    return establishment.establishment_number if establishment else None


def _opened(sealed: str) -> dict[str, str]:
    opened: dict[str, str] = orjson.loads(unseal(sealed, PURPOSE))
    return opened


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))
