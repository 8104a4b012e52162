"""British telephone numbers, as people type and read them."""

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat


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
