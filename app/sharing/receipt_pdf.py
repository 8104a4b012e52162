"""A receipt as a PDF for the file: the same words as its page, the same bytes whenever it is made."""

from typing import Any

from app.models.receipt import Receipt
from app.settings import ROOT, settings
from app.sharing.receipts import sections, title

FACE = "Atkinson"
FONTS = ROOT / "app/sharing/fonts"  # the typeface of our pages (Latin, extended), as a PDF needs it
MARGIN, LABEL_WIDTH, LINE_HEIGHT = 18, 55, 5.2  # millimetres
GREEN, GREY, BLACK = (15, 61, 48), (90, 96, 94), (20, 24, 22)


def pdf(receipt: Receipt, *, compressed: bool = True) -> bytes:
    """On A4, in our own typeface, which has the letters of Welsh."""
    made = _document(receipt, compressed)
    made.add_page()
    made.set_font(FACE, "B", 18)
    made.set_text_color(*GREEN)
    made.multi_cell(0, 8, _clean(title(receipt.content)), align="L", new_x="LMARGIN", new_y="NEXT")
    made.set_font(FACE, "", 10.5)
    made.set_text_color(*GREY)
    made.multi_cell(
        0, LINE_HEIGHT, "Receipt of a decision about sharing data", align="L", new_x="LMARGIN", new_y="NEXT"
    )
    for heading, rows in sections(receipt.content):
        _section(made, heading, rows)
    _section(made, "How to check it", [("Signed form", "The .json file of this receipt")])
    made.multi_cell(
        0,
        LINE_HEIGHT,
        f"A print can be forged. What counts is the signed form: anybody can check it at {settings.issuer}"
        "/receipts/verify without signing in. No pupil’s data is in a receipt.",
        align="L",
        new_x="LMARGIN",
        new_y="NEXT",
    )
    return bytes(made.output())


def _document(receipt: Receipt, compressed: bool) -> Any:
    from fpdf import FPDF  # noqa: PLC0415 - takes a second, which no other page should wait for

    class Document(FPDF):
        def footer(self) -> None:
            self.set_y(-MARGIN + 3)
            self.set_font(FACE, "", 8.5)
            self.set_text_color(*GREY)
            self.cell(0, 5, f"Gatehouse receipt {receipt.id}")
            self.set_x(self.l_margin)
            self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    made = Document(format="A4")
    made.set_compression(compressed)
    made.set_creation_date(receipt.made_at)
    made.set_title(_clean(title(receipt.content)))
    made.set_lang("en-GB")
    made.set_margins(MARGIN, MARGIN)
    made.set_auto_page_break(True, MARGIN + 4)
    for style, name in (("", "regular"), ("B", "bold")):
        made.add_font(FACE, style, FONTS / f"atkinson-hyperlegible-next-{name}.ttf")
    return made


def _section(made: Any, heading: str, rows: list[tuple[str, str]]) -> None:
    """A heading, and rows of label and value; a heading stays with its first row."""
    if made.will_page_break(8 + 3 * LINE_HEIGHT):
        made.add_page()
    made.ln(4)
    made.set_font(FACE, "B", 12.5)
    made.set_text_color(*GREEN)
    made.multi_cell(0, 7, _clean(heading), align="L", new_x="LMARGIN", new_y="NEXT")
    for label, value in rows:
        if made.will_page_break(2 * LINE_HEIGHT):
            made.add_page()
        made.set_text_color(*GREY)
        made.set_font(FACE, "", 10.5)
        page, top = made.page, made.get_y()
        made.multi_cell(LABEL_WIDTH, LINE_HEIGHT, label, align="L", new_x="LMARGIN", new_y="NEXT")
        below = made.get_y()
        made.set_xy(MARGIN + LABEL_WIDTH, top)
        made.set_text_color(*BLACK)
        made.multi_cell(0, LINE_HEIGHT, _clean(value), align="L", new_x="LMARGIN", new_y="NEXT")
        ends = made.get_y()
        made.set_y((max(ends, below) if made.page == page else ends) + 0.8)


def _clean(text: str) -> str:
    """Somebody's words without what cannot be printed."""
    return "".join(mark if mark.isprintable() else " " for mark in text)
