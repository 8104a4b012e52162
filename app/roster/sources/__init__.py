"""Files from a school's system, whatever wrote them, turned into one Incoming."""

from app.roster.incoming import Fault, Faulty, Incoming, TooBig
from app.roster.sources import archive, ctf, oneroster_csv, records, spreadsheet
from app.roster.sources.spreadsheet import Mappings, NeedsMapping

__all__ = ["NeedsMapping", "read"]

MOST_BYTES = 64 * 1024 * 1024


def read(name: str, content: bytes, mappings: Mappings) -> Incoming:
    """What the file says; which kind it is shows in its content. Raises Faulty, TooBig, or NeedsMapping.

    `mappings` are the school's own, {kind: {our field: their column}}.
    """
    if len(content) > MOST_BYTES:
        raise TooBig(Fault(name, 0, "", "The file is too large to be a school’s data."))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Faulty(Fault(name, 0, "", "This is an old Excel workbook. Save it as CSV, then send that."))
    if records.is_collected(content):
        return records.read(name, content)
    files = archive.files(name, content) if archive.is_zip(content) else {name: content}
    if oneroster_csv.is_oneroster(files):
        return oneroster_csv.incoming(files)
    documents = {own: held for own, held in files.items() if ctf.is_xml(held)}
    if len(documents) == 1 and len(files) == 1:
        return ctf.read(*next(iter(documents.items())))
    if documents:
        raise Faulty(Fault(name, 0, "", "Send one Common Transfer File at a time, and nothing else with it."))
    tables = {own: held for own, held in files.items() if held.strip()}
    if not tables:
        raise Faulty(Fault(name, 0, "", "There is nothing in it."))
    return spreadsheet.read(tables, mappings)
