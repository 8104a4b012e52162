"""Numbers, codes, years and dates as schools' systems write them, brought to one form.

Each reader gives the empty value for what it does not recognise: a row is not refused for one cell.
"""

import datetime as dt
import functools
import re
import unicodedata

from app.models.base import today
from app.models.roster.person import ADMINISTRATOR, AIDE, GUARDIAN, PARENT, PRINCIPAL, RELATIVE, TEACHER, YEARS

_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # no I, O, S
_UPN = re.compile(rf"[{_UPN_LETTERS}][0-9]{{11}}[0-9{_UPN_LETTERS}]")
_POSTCODE = re.compile(
    r"GIR 0AA|BFPO [0-9]{1,4}|[A-PR-UWYZ]([0-9]{1,2}|[A-HK-Y][0-9]([0-9]|[ABEHMNPRV-Y])?|[0-9][A-HJKPS-UW])"
    r" [0-9][ABD-HJLNP-UW-Z]{2}"
)
_SPACES = re.compile(r"\s+")
_YEAR_WORDS = re.compile(r"^(national curriculum year|nc year|school year|year group|year|yrs?|y|nc)\.?\s*")
_NAMED_YEARS = {
    **dict.fromkeys(("r", "yr", "0", "rec", "reception", "fs2", "foundation 2", "foundation stage 2", "00"), "R"),
    **dict.fromkeys(("n", "nur", "nursery", "fs1", "foundation 1", "foundation stage 1", "n2", "-1"), "N2"),
    **dict.fromkeys(("x", "ungraded", "curriculum not followed"), "X"),
    **{"n1": "N1", "-2": "N1", "e1": "E1", "e2": "E2", "reception year": "R"},
}
_NUMBERS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen"),
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
_BRITISH = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?: .*)?")
_WORDS = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3})[a-z]*[ -](\d{4}|\d{2})")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YES = {"true", "t", "yes", "y", "1"}
_NO = {"false", "f", "no", "n", "0"}


def text(value: str) -> str:
    """Trimmed, blanks collapsed, in Unicode's form NFC."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", value)).strip()


def upn(value: str) -> str:
    """A unique pupil number without blanks, in capitals; whatever it is, so that what is wrong can be shown."""
    return _SPACES.sub("", value).upper()[:13]


def is_upn(value: str) -> bool:
    """Whether the check letter fits: permanent or temporary (DfE, Unique Pupil Numbers: guide for schools)."""
    return _UPN.fullmatch(value) is not None and check_letter(value[1:]) == value[0]


def check_letter(rest: str) -> str:
    """The first letter of a UPN, by the twelve marks behind it."""
    digits = (int(mark) if mark.isdigit() else _UPN_LETTERS.index(mark) for mark in rest)
    return _UPN_LETTERS[sum(weight * digit for weight, digit in enumerate(digits, 2)) % 23]


def uln(value: str) -> str:
    """A unique learner number whose check digit fits; else empty (Learning Records Service)."""
    digits = _SPACES.sub("", value)
    if not (len(digits) == 10 and digits.isascii() and digits.isdigit()):
        return ""
    rest = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return digits if rest and 10 - rest == int(digits[9]) else ""


def trn(value: str) -> str:
    """A teacher reference number of seven digits; else empty."""
    digits = re.sub(r"[\s/]|^RP", "", value.upper())
    return digits if len(digits) == 7 and digits.isascii() and digits.isdigit() else ""


def postcode(value: str) -> str:
    """In capitals, with one blank before the last three; whatever it is."""
    marks = re.sub(r"[^A-Z0-9]", "", value.upper())
    return f"{marks[:-3]} {marks[-3:]}" if len(marks) > 3 else marks


def is_postcode(value: str) -> bool:
    """Whether it has the form of one (BS 7666); no list is asked."""
    return _POSTCODE.fullmatch(value) is not None


@functools.lru_cache(4096)
def year(value: str) -> str:
    """The NC year, one of `YEARS`, of 'Year  6', 'Y06', 'Reception', 'six'…; empty when it is none of them."""
    told = text(value).casefold()
    plain = _YEAR_WORDS.sub("", told) if told not in _NAMED_YEARS else told
    if plain in _NAMED_YEARS:
        return _NAMED_YEARS[plain]
    if plain in _NUMBERS:
        return str(_NUMBERS.index(plain) + 1)
    number = plain.lstrip("0")
    return number if number in YEARS and number.isdigit() else ""


@functools.lru_cache(4096)
def date(value: str) -> dt.date | None:
    """2014-10-02 (with a time or none), 02/10/2014, 02/10/14, 2 Oct 2014 or 20141002; else None. Days come first."""
    told = value.strip()
    if found := _ISO.fullmatch(told) or _COMPACT.fullmatch(told):
        return _day(found[1], found[2], found[3])
    if found := _BRITISH.fullmatch(told):
        return _day(found[3], found[2], found[1])
    found = _WORDS.fullmatch(told)
    if found and found[2].lower() in _MONTHS:
        return _day(found[3], str(_MONTHS.index(found[2].lower()) + 1), found[1])
    return None


def _day(year_told: str, month: str, day: str) -> dt.date | None:
    number = int(year_told)
    if len(year_told) == 2:  # nobody at a school was born more than 80 years ago, or leaves in 20 years
        number += 2000 if number < (today().year - 2000) + 20 else 1900
    try:
        return dt.date(number, int(month), int(day))
    except ValueError:
        return None


def sex(value: str) -> str:
    """M or F, as the school census has it; else empty."""
    return {"m": "M", "male": "M", "boy": "M", "f": "F", "female": "F", "girl": "F"}.get(text(value).casefold(), "")


def yes(value: str) -> bool | None:
    """True, False, or None for neither."""
    told = value.strip().casefold()
    return True if told in _YES else False if told in _NO else None


def sen(value: str) -> str:
    """SEN provision as the school census has it today: N, K or E; A, P and S of before are brought to these."""
    told = text(value).casefold()
    if told in ("e", "s") or "ehc" in told or "health and care" in told or "statement" in told:
        return "E"
    if told in ("k", "a", "p") or "support" in told or "action" in told:
        return "K"
    return "N" if told in ("n", "none", "monitoring") or told.startswith("no ") else ""


def staff_role(value: str) -> str:
    """One of `STAFF_ROLES` for the words of a job title; empty for none."""
    told = text(value).casefold()
    if any(word in told for word in ("deputy head", "assistant head", "head of")):
        return TEACHER
    if any(word in told for word in ("headteacher", "head teacher", "principal", "executive head")):
        return PRINCIPAL
    if any(word in told for word in ("assistant", "aide", "support", "supervisor", "technician", "mentor", "counsel")):
        return AIDE
    if any(word in told for word in ("teach", "tutor", "lecturer", "senco", "ect")):
        return TEACHER
    return ADMINISTRATOR if told else ""


def contact_role(value: str) -> str:
    """One of `CONTACT_ROLES` for the words of a relation."""
    told = text(value).casefold()
    if any(word in told for word in ("mother", "father", "parent", "pam", "paf", "stp")):
        return PARENT if "grand" not in told else RELATIVE
    if any(word in told for word in ("guardian", "carer", "foster", "car", "social")):
        return GUARDIAN
    return RELATIVE
