"""A web service that stands in for Integris G2: an invented school over HTTP, in pages and by what changed."""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.roster.school_data import School

USER, PASSWORD = "WebServices2999", "correct horse battery"
KINDS = ("pupils", "staff", "contacts", "groups")
Record = dict[str, Any]


class G2:
    """The school as the system holds it. `answers` take the place of usual ones: {path: (status, body)}."""

    def __init__(self, school: School, page: int = 7) -> None:
        self.page = page
        self.dfe_number = "888/2999"
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.address = ""
        self._version = 1
        self._oldest = 1
        self.records: dict[str, dict[str, tuple[int, Record]]] = {kind: {} for kind in KINDS}
        self._gone: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
        self._fill(school)

    def _fill(self, school: School) -> None:
        teachers = {school.teacher(form)[1]: f"s{form}" for form in school.forms}
        for form in school.forms:
            name, email = school.teacher(form)
            told = {"given_name": name, "family_name": "Teacher", "email": email, "job_title": "Class Teacher"}
            self._put("staff", f"s{form}", told | {"staff_code": form})
        for one in school.pupils:
            name, email, mobile = school.contact_of(one)
            contact = teachers.get(email, f"c{one.number}")
            family = "Teacher" if email in teachers else one.family
            mother = {"contact": contact, "relationship": "Mother", "priority": 1, "responsibility": True}
            told = {"given_name": one.given, "family_name": one.family, "birth_date": f"{one.born:%d/%m/%Y}"}
            told |= {"sex": "Male" if one.sex == "M" else "Female", "upn": one.upn, "email": one.email}
            told |= {
                "year": f"Y{one.year:02d}",
                "registration_group": one.form,
                "admission_number": f"{one.number:06d}",
            }
            told |= {"leaves_on": f"{one.leaves:%d/%m/%Y}" if one.leaves else ""}
            self._put("pupils", f"p{one.number}", told | {"contacts": [mother]})
            reached = {"email": email, "mobile": mobile}
            self._put("contacts", contact, {"given_name": name, "family_name": family} | reached)
        for form in school.forms:
            members = [f"p{one.number}" for one in school.pupils if one.form == form]
            told_group = {"title": form, "is_registration": True, "years": [f"Y{form[:-1]}"], "pupils": members}
            self._put("groups", f"g{form}", told_group)

    def _put(self, kind: str, own: str, told: Record) -> None:
        self.records[kind][own] = self._version, {"id": own} | told

    def change(self, kind: str, own: str, **told: Any) -> None:
        """Edit a record, or make it: it is told to whoever asks what changed since before."""
        self._version += 1
        self._gone[kind].pop(own, None)
        before = self.records[kind].get(own, (0, {}))[1]
        self._put(kind, own, before | told)

    def remove(self, kind: str, own: str) -> None:
        self._version += 1
        del self.records[kind][own]
        self._gone[kind][own] = self._version

    def forget(self) -> None:
        """Nobody can ask any more what changed since before this moment."""
        self._version += 1
        self._oldest = self._version

    def answer(self, path: str, authorization: str) -> tuple[int, bytes]:
        self.asked.append(path)
        parts = urlsplit(path)
        own = parts.path.rpartition("/")[2]
        if own in self.answers:
            return self.answers[own]
        if authorization != "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode():
            return 401, b"{}"
        if own == "school":
            told: Any = {"dfe_number": self.dfe_number, "name": "Elm Park School", "token": str(self._version)}
            return 200, json.dumps(told).encode()
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._list(own, int(asked.get("since", "0")), int(asked.get("at", "0")))

    def _list(self, kind: str, since: int, at: int) -> tuple[int, bytes]:
        if kind not in KINDS:
            return 404, b"{}"
        if 0 < since < self._oldest:
            return 410, b"{}"
        changed = [record for version, record in self.records[kind].values() if version > since]
        gone = [own for own, version in self._gone[kind].items() if version > since] if since and not at else []
        more = at + self.page
        told = {"records": changed[at:more], "gone": gone, "next": str(more) if more < len(changed) else ""}
        return 200, json.dumps(told).encode()


@contextlib.contextmanager
def running(g2: G2) -> Iterator[G2]:
    """Serve it at `address` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = g2.answer(self.path, self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    g2.address = f"http://127.0.0.1:{server.server_address[1]}/g2"
    try:
        yield g2
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
