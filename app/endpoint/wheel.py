"""The agent as a school downloads it: a wheel (PyPA binary distribution format 1.0), the same bytes each time."""

import base64
import csv
import functools
import hashlib
import io
import re
import zipfile

from fastapi import APIRouter
from starlette.responses import Response

from app.errors import NotFound
from app.settings import ROOT, settings

PACKAGE, DISTRIBUTION = "gatehouse_agent", "gatehouse-agent"
FOLDER = ROOT / PACKAGE
NEEDS = ("cryptography>=42",)
PYTHON = ">=3.9"

router = APIRouter(include_in_schema=False)


@router.get("/agent/{name}")
def download(name: str) -> Response:
    """The wheel, to anybody: a school's server has no account here."""
    if name != file_name():
        raise NotFound
    return Response(wheel(), media_type="application/zip", headers={"Cache-Control": "public, max-age=3600"})


def version() -> str:
    """As the package says it; the server imports nothing of the agent."""
    found = re.search(r'^__version__ = "([^"]+)"', (FOLDER / "__init__.py").read_text(), re.MULTILINE)
    if found is None:
        raise ValueError("the agent has no version")
    return found[1]


def file_name() -> str:
    return f"{PACKAGE}-{version()}-py3-none-any.whl"


def address() -> str:
    """Where pip finds it, with the checksum that pip holds it against."""
    return f"{settings.issuer}/agent/{file_name()}#sha256={checksum()}"


def checksum() -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(wheel()).hexdigest()


@functools.cache
def wheel() -> bytes:
    about = f"{PACKAGE}-{version()}.dist-info"
    files = {f"{PACKAGE}/{path.name}": path.read_bytes() for path in sorted(FOLDER.glob("*.py"))}
    needs = "".join(f"Requires-Dist: {need}\n" for need in NEEDS)
    summary = "Sends a school's MIS export from its server to Gatehouse"
    head = f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: {version()}\nSummary: {summary}\n"
    files[f"{about}/METADATA"] = f"{head}License: Apache-2.0\nRequires-Python: {PYTHON}\n{needs}".encode()
    files[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: gatehouse\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{about}/entry_points.txt"] = f"[console_scripts]\n{DISTRIBUTION} = {PACKAGE}.cli:main\n".encode()
    files[f"{about}/RECORD"] = _record(files, f"{about}/RECORD")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            member = zipfile.ZipInfo(name)  # of 1980: no clock of ours is in it
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            made.writestr(member, content)
    return out.getvalue()


def _record(files: dict[str, bytes], own: str) -> bytes:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.writerow((name, f"sha256={digest}", len(content)))
    rows.writerow((own, "", ""))
    return out.getvalue().encode()
