"""On a phone."""

from types import SimpleNamespace
from typing import Any

from lxml import html

from app.web.pages import STATIC, _environment


def test_on_a_phone_a_row_of_history_says_what_each_of_its_cells_is() -> None:
    rows = [SimpleNamespace(at=None, what="Registered", who="Ada Bright")]
    source = '{% from "components/history.html" import history %}{{ history(rows) }}'
    page: Any = html.document_fromstring(_environment().from_string(source).render(rows=rows))
    [table] = page.iter("table")
    assert "gh-table--stack" in table.get("class")
    headings = [cell.text for cell in table.iterfind("thead//th")]
    assert [cell.get("data-label") for cell in table.iterfind("tbody//td")] == headings
    assert "content:attr(data-label)" in (STATIC / "gatehouse.css").read_text()
