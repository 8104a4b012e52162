"""Telephone numbers: is this the number that the register gives for the school?"""

import re

import phonenumbers

from app.web.telephone import british, phone

# The register holds notes beside numbers: "07700 900123 (mobile)", "01632 960001 or 960002".
_NOTE = re.compile(r"^[^\d+(]+|\([^)]*[^\W\d][^)]*\)|[^\W\d].*$")


def plain(text: str | None) -> str | None:
    """A number in international form (E.164), without its extension; None for what is no possible British number."""
    number = british(_NOTE.sub("", text or ""))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else None


def readable(text: str | None) -> str:
    """The number as people in Britain write it; what is no number stays as it is."""
    found = plain(text)
    return phone(found) if found else (text or "").strip()


def is_mobile(text: str | None) -> bool:
    """Whether the number is in the range that Britain gives to mobiles (07, but 070 and 076)."""
    found = plain(text) or ""
    return found.startswith("+447") and not found.startswith(("+4470", "+4476"))
