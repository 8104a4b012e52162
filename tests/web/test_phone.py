"""On a phone."""

import datetime as dt
import re
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import html

from app.web.pages import STATIC, _environment

pytestmark = pytest.mark.once


def test_on_a_phone_a_row_of_history_is_headed_by_its_moment_and_no_label_indents_it() -> None:
    rows = [SimpleNamespace(at=dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC), what="Registered", who="Ada Bright")]
    source = '{% from "components/history.html" import history %}{{ history(rows) }}'
    page: Any = html.document_fromstring(_environment().from_string(source).render(rows=rows))
    [table] = page.iter("table")
    assert "gh-table--stack" in table.get("class")
    [heading, *cells] = table.find("tbody/tr")
    assert (heading.tag, heading.get("scope")) == ("th", "row") and "1 March 2026" in heading.text
    assert [cell.text for cell in cells] == ["Registered", "Ada Bright"]
    assert not table.xpath(".//tbody//@data-label")
    css = (STATIC / "gatehouse.css").read_text()
    assert re.search(r"gh-table--stack tbody \[data-label\]\{[^}]*padding-left:140px", css)
