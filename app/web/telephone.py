"""British telephone numbers, as people type and read them."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from app.settings import settings

# Ofcom keeps these for films and books; tests and demonstrations use them, and no telephone answers.
DRAMA_NUMBERS = range(7700900000, 7700901000)


def british(text: str) -> PhoneNumber | None:
    """What a text says as a number, if that may be one of the United Kingdom."""
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        return None
    is_possible = number.country_code == 44 and phonenumbers.is_possible_number(number)
    return number if is_possible else None


def phone(text: str | None) -> str:
    """A number as people read it, `01845 500100`; one with an extension, or of elsewhere, as it was written."""
    number = british(text or "")
    if number is None or number.extension:
        return text or ""
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


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
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _is_drama(number: PhoneNumber) -> bool:
    return not settings.is_production and number.national_number in DRAMA_NUMBERS
