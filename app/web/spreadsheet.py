"""Tables as CSV that is safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator

from starlette.responses import StreamingResponse

BYTE_ORDER_MARK = "\ufeff"  # without it, Excel reads UTF-8 as something else


def harmless(cell: str | None) -> str:
    """A cell that a spreadsheet takes for text: an apostrophe goes before what it would run as a formula."""
    text = cell or ""
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in ("\t", "\r") else text


def download(name: str, heading: Iterable[str], rows: Iterable[Iterable[str | None]]) -> StreamingResponse:
    """The table as a file, sent while `rows` gives it. `name` is one of ours: plain letters, digits and hyphens."""
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "no-store"}
    return StreamingResponse(_lines(heading, rows), media_type="text/csv; charset=utf-8", headers=headers)


def _lines(heading: Iterable[str], rows: Iterable[Iterable[str | None]]) -> Iterator[str]:
    buffer = io.StringIO()
    out = csv.writer(buffer)
    buffer.write(BYTE_ORDER_MARK)
    out.writerow(heading)
    for row in rows:
        out.writerow(map(harmless, row))
        if buffer.tell() > 30_000:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
