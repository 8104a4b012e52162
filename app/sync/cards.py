"""Login cards for pupils, on A4 to be cut: a PDF in which a picture PIN is pictures."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from anyascii import anyascii
from starlette.responses import Response

from app.models.app_user import AppUser
from app.models.base import now, today
from app.settings import ROOT
from app.sync import passwords

FACE = "Atkinson"
FONTS = ROOT / "app/sharing/fonts"
PICTURES = ROOT / "app/sync/pictures"  # the PNGs are the SVGs at 256 pixels: a PDF takes each of them in once
MARGIN = 10  # millimetres
INK, GREY, LINE = (20, 24, 22), (90, 96, 94), (170, 176, 174)


class Layout:
    """How many cards stand beside and below each other on a page."""

    def __init__(self, title: str, columns: int, rows: int) -> None:
        self.title, self.columns, self.rows = title, columns, rows

    @property
    def width(self) -> float:
        return (210 - 2 * MARGIN) / self.columns

    @property
    def height(self) -> float:
        return (297 - 2 * MARGIN) / self.rows


LAYOUTS = {
    "eight": Layout("Eight on a page", 2, 4),
    "large": Layout("Two on a page, large", 1, 2),
    "small": Layout("Twenty-one on a page, small", 3, 7),
}


def download(app: str, users: Sequence[tuple[AppUser, str]], sent: Mapping[str, str]) -> Response:
    """The cards of these users with their passwords, as a file."""
    made = pdf(app, users, LAYOUTS.get(sent.get("layout", ""), LAYOUTS["eight"]))
    headers = {
        "content-disposition": f'attachment; filename="login-cards-{today().isoformat()}.pdf"',
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
    }
    return Response(made, media_type="application/pdf", headers=headers)


def pdf(app: str, users: Sequence[tuple[AppUser, str]], layout: Layout, at: dt.datetime | None = None) -> bytes:
    """A page after another; a class begins on a page of its own."""
    made = _document(at or now())
    places = layout.columns * layout.rows
    place, group = places, None
    for user, password in users:
        own = user.classes[0] if user.classes else ""
        if place == places or own != group:
            made.add_page()
            place, group = 0, own
        x = MARGIN + place % layout.columns * layout.width
        y = MARGIN + place // layout.columns * layout.height
        _card(made, app, (user, password), layout, (x, y))
        place += 1
    if not users:
        made.add_page()
    return bytes(made.output())


def _document(at: dt.datetime) -> Any:
    from fpdf import FPDF  # noqa: PLC0415 - takes a second, which no other page should wait for

    made = FPDF(format="A4")
    made.set_creation_date(at)
    made.set_title("Login cards")
    made.set_lang("en-GB")
    made.set_auto_page_break(False)
    for style, file in (("", "regular"), ("B", "bold")):
        made.add_font(FACE, style, FONTS / _font(file))
    return made


@cache
def _font(weight: str) -> str:
    return next(path.name for path in sorted(FONTS.glob("*.ttf")) if weight in path.name.lower())


def _card(made: Any, app: str, told: tuple[AppUser, str], layout: Layout, at: tuple[float, float]) -> None:
    (user, password), (x, y) = told, at
    width, height = layout.width, layout.height
    unit = height / 10
    made.set_draw_color(*LINE)
    made.set_dash_pattern(1, 1)
    made.rect(x, y, width, height)
    made.set_dash_pattern()
    left, room = x + 4, width - 8

    def put(text: str, top: float, high: float, style: str = "", colour: tuple[int, int, int] = INK) -> None:
        _line(made, text, _Box(left, y + unit * top, room, unit * high), style, colour)

    put(f"{user.given_name} {user.family_name}".strip(), 0.8, 1.6, "B")
    put(", ".join(part for part in (app, user.classes[0] if user.classes else "") if part), 2.4, 1.0, colour=GREY)
    put("Username", 3.8, 0.9, colour=GREY)
    put(user.username, 4.7, 1.7, "B")
    put("Password", 6.5, 0.9, colour=GREY)
    form = passwords.FORMS.get(user.password_form)
    if form and form.pictures:
        side = min(unit * 2.2, room / max(4, len(password)) - 1)
        for place, digit in enumerate(password):
            file = PICTURES / f"{passwords.PICTURES[int(digit)]}.png"
            made.image(file, left + place * (side + 1.5), y + unit * 7.5, side, side, alt_text=file.stem)
    else:
        put(password, 7.5, 1.7, "B")


def _printable(made: Any, text: str) -> str:
    """The text in letters that our typeface has: ễ as e, 李 as Li."""
    known = made.fonts[FACE.lower()].cmap
    return "".join(sign if ord(sign) in known else anyascii(sign) for sign in text)


@dataclasses.dataclass(frozen=True)
class _Box:
    """Where a line of text goes, in millimetres."""

    x: float
    y: float
    width: float
    height: float


def _line(made: Any, text: str, box: _Box, style: str = "", colour: tuple[int, int, int] = INK) -> None:
    """One line as large as the height allows, smaller where the width does not."""
    made.set_text_color(*colour)
    size = box.height * 2.4
    shown = _printable(made, text)
    made.set_font(FACE, style, size)
    while size > 5 and made.get_string_width(shown) > box.width:
        size *= 0.92
        made.set_font(FACE, style, size)
    made.set_xy(box.x, box.y)
    made.cell(box.width, box.height, shown)
