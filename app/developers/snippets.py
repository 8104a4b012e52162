"""The quick start's programs: real files, filled in with this server's own addresses. The tests run what is shown."""

from fastapi import FastAPI

from app.oauth import metadata
from app.settings import ROOT, settings

FOLDER = ROOT / "templates/developers/snippets"


def schools_address(app: FastAPI) -> str:
    """Where the data API lists schools."""
    return settings.issuer + app.url_path_for("schools")


def all_of(app: FastAPI) -> dict[str, str]:
    """Every snippet by the name of its file without the ending that says its language: `curl_1_ask`, `settings`."""
    server = metadata.server()
    known = {f"<{name}>": value for name, value in server.items() if name == "issuer" or name.endswith("_endpoint")}
    known["<schools>"] = schools_address(app)
    return {
        path.name.replace(".", "_"): _filled(path.read_text(), known) for path in FOLDER.iterdir() if path.is_file()
    }


def _filled(text: str, known: dict[str, str]) -> str:
    for placeholder, value in known.items():
        text = text.replace(placeholder, value)
    return text
