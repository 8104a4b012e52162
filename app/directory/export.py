"""A list of establishments as CSV that is safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable
from typing import TextIO

from app.models.establishment import Establishment
from app.web.spreadsheet import harmless

HEADING = ("URN", "LA/DfE number", "Name", "Type", "Phase", "Status", "Town", "Postcode", "Telephone")


def written(rows: Iterable[Establishment], file: TextIO) -> None:
    """Write the heading and a line for each establishment."""
    out = csv.writer(file)
    out.writerow(HEADING)
    for row in rows:
        out.writerow(
            map(
                harmless,
                (
                    str(row.urn),
                    row.dfe_number,
                    row.name,
                    row.type_name,
                    row.phase_name,
                    row.status,
                    row.town,
                    row.postcode,
                    row.telephone,
                ),
            )
        )
