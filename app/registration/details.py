"""What a person types about themselves: name, e-mail address, mobile number, and what is wrong with each."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType
from pydantic import BaseModel, Field, field_validator

from app.settings import settings
from app.web.people import PersonForm, address

__all__ = ["DetailsForm", "PersonForm", "QuestionForm", "address", "uk_mobile"]

LONGEST_TEXT = 5000
# Ofcom keeps these for films and books; tests and demonstrations use them, and no telephone answers.
DRAMA_NUMBERS = range(7700900000, 7700901000)


class DetailsForm(PersonForm):
    """The main administrative user of a school."""

    mobile: str = Field(description="Enter your mobile number")

    @field_validator("mobile")
    @classmethod
    def _is_a_mobile(cls, mobile: str) -> str:
        return uk_mobile(mobile)


class QuestionForm(BaseModel):
    """A few sentences to our support, or in answer to it."""

    text: str = Field(description="Write your message")

    @field_validator("text")
    @classmethod
    def _is_said(cls, text: str) -> str:
        if not text:
            raise ValueError("Write your message")
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"Your message must be {LONGEST_TEXT:,} characters or fewer")
        return text


def uk_mobile(typed: str) -> str:
    """A mobile number of the United Kingdom in E.164 form. Raises ValueError with what to put right."""
    if not typed:
        raise ValueError("Enter your mobile number")
    try:
        number = phonenumbers.parse(typed, "GB")
    except NumberParseException:
        raise ValueError("Enter a mobile number in digits, such as 07700 900982") from None
    if number.country_code != 44:
        raise ValueError(
            "Enter a UK mobile number: it starts with 07 or +44 7. We cannot text numbers of other countries"
        )
    kind = phonenumbers.number_type(number)
    if kind in (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER):
        raise ValueError("Enter a mobile number, not one that costs extra to reach. Numbers starting 070 or 09 do")
    if kind != PhoneNumberType.MOBILE and not _is_drama(number):
        example = "Enter a UK mobile number of 11 digits, such as 07700 900982"
        raise ValueError(example if kind == PhoneNumberType.UNKNOWN else f"{example}. That one cannot receive texts")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _is_drama(number: PhoneNumber) -> bool:
    return not settings.is_production and number.national_number in DRAMA_NUMBERS
