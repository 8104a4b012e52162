"""A browser without JavaScript, driven by the words on the page; it checks every page that it opens.

browser.opens("/register/school")
browser.fills("School postcode", "YO7 8SR")
browser.presses("Search")
assert "Thirsk" in browser.text
"""

from typing import Any, Self
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2
from lxml import html
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app.settings import settings


class Browser:
    """Follows redirects on our own site; stops, with `left_to` set, where a redirect leads to another site."""

    def __init__(self, server: ASGIApp | str) -> None:
        """`server`: the application in this process, or the address of one that runs in another."""
        headers = {"accept": "text/html,*/*;q=0.8", "sec-fetch-site": "same-origin"}
        self.issuer = server if isinstance(server, str) else settings.issuer
        self.client: httpx2.Client
        if isinstance(server, str):
            self.client = httpx2.Client(base_url=server, headers=headers)
        else:
            self.client = TestClient(server, base_url=self.issuer, headers=headers, follow_redirects=False)
        self.status = 0
        self.path = ""
        self.headers: Any = {}
        self.left_to = ""
        self.document: Any = None
        self._filled: dict[str, list[str]] = {}

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self.client.__exit__(*raised)

    def opens(self, path: str, status: int = 200) -> None:
        """Type an address."""
        self._goes("GET", path, None, status)

    def follows(self, words: str, status: int = 200) -> None:
        """Follow the link with these words."""
        links = [link for link in self.document.iter("a") if _words(link) == words]
        assert links, f"no link {words!r} on {self.path}: {[_words(link) for link in self.document.iter('a')]}"
        self.opens(links[0].get("href"), status)

    def fills(self, label: str, value: str) -> None:
        """Type into the field with this label, or choose this option of a select."""
        field = self._labelled(label)
        if field.tag == "select":
            chosen = [option for option in field.iter("option") if _words(option) == value]
            assert chosen, f"no option {value!r} under {label!r}"
            value = chosen[0].get("value", value)
        self._filled[field.get("name")] = [value]

    def ticks(self, label: str) -> None:
        """Tick a box or choose a radio by its label."""
        field = self._labelled(label)
        before = self._filled.get(field.get("name"), []) if field.get("type") == "checkbox" else []
        self._filled[field.get("name")] = [*before, field.get("value", "on")]

    def presses(self, words: str, status: int = 200, near: str = "") -> None:
        """Press a button: sends its form with what was filled in. `near`: words of its form, where several match."""
        buttons = [button for button in self.document.iter("button") if _words(button) == words]
        found = [button for button in buttons if near in _words(_form(button))]
        assert found, f"no button {words!r} on {self.path}: {[_words(b) for b in self.document.iter('button')]}"
        form = _form(found[0])
        sent = self._values(form)
        if found[0].get("name"):
            sent.append((found[0].get("name"), found[0].get("value", "")))
        action = found[0].get("formaction") or form.get("action") or self.path
        if (form.get("method") or "get").lower() == "get":
            self._goes("GET", f"{action}?{urlencode(sent)}", None, status)
        else:
            self._goes("POST", action, sent, status)

    def posts(self, path: str, status: int = 200, /, **fields: str) -> None:
        """Post a form that no page offers."""
        self._goes("POST", path, list(fields.items()), status)

    def value(self, element_id: str) -> str:
        """What the element with this id says."""
        found = self.document.get_element_by_id(element_id, None)
        assert found is not None, f"nothing has the id {element_id!r} on {self.path}"
        return str(found.get("value") if found.tag == "input" else _words(found))

    @property
    def text(self) -> str:
        """Every word on the page, blanks folded."""
        return _words(self.document)

    @property
    def title(self) -> str:
        return _words(self.document.find(".//h1"))

    def _goes(self, method: str, path: str, sent: list[tuple[str, str]] | None, status: int) -> None:
        self.left_to = ""
        target = urljoin(f"{self.issuer}{self.path}", path)
        body = urlencode(sent).encode() if sent is not None else None
        kind = {"content-type": "application/x-www-form-urlencoded"} if sent is not None else {}
        answer = self.client.request(method, target, content=body, headers=kind)
        for _ in range(10):
            if answer.status_code not in (301, 302, 303, 307, 308):
                break
            target = urljoin(target, answer.headers["location"])
            if urlsplit(target).netloc != urlsplit(self.issuer).netloc:
                self.left_to, self.status = target, answer.status_code
                return
            answer = self.client.get(target)
        parts = urlsplit(target)
        self.path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.status, self.headers = answer.status_code, answer.headers
        self._filled = {}
        assert self.status == status, f"{method} {path} → {self.status} at {self.path}: {answer.text[:2000]}"
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.document = html.document_fromstring(answer.text)
            check(self.document, self.path)

    def _labelled(self, label: str) -> Any:
        for found in self.document.iter("label"):
            if _words(found) == label:
                return self.document.get_element_by_id(found.get("for"))
        raise AssertionError(f"no label {label!r} on {self.path}: {[_words(f) for f in self.document.iter('label')]}")

    def _values(self, form: Any) -> list[tuple[str, str]]:
        values: dict[str, list[str]] = {}
        for field in form.xpath(".//input|.//select|.//textarea"):
            name, kind = field.get("name"), field.get("type", "text")
            if not name or kind in ("submit", "button"):
                continue
            if kind in ("checkbox", "radio"):
                values.setdefault(name, [])
                if field.get("checked") is not None:
                    values[name].append(field.get("value", "on"))
            elif field.tag == "select":
                chosen = field.xpath("./option[@selected]") or field.xpath("./option")[:1]
                values[name] = [option.get("value", _words(option)) for option in chosen]
            else:
                values[name] = [field.get("value") or "" if field.tag == "input" else field.text or ""]
        values.update({name: filled for name, filled in self._filled.items() if name in values})
        return [(name, value) for name, several in values.items() for value in several]


def check(document: Any, path: str) -> None:
    """What holds for every page: one h1, a title, unique ids, a label for every field, an error summary when told."""
    titles, headings = document.xpath("//head/title"), document.xpath("//h1")
    assert len(titles) == 1 and _words(titles[0]).endswith("Gatehouse"), f"{path}: title {[_words(t) for t in titles]}"
    assert len(headings) == 1 and _words(headings[0]), f"{path}: {len(headings)} h1"
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids)), f"{path}: repeated ids {sorted(i for i in ids if ids.count(i) > 1)}"
    for field in document.xpath("//input[not(@type='hidden' or @type='submit')]|//select|//textarea"):
        labelled = document.xpath("//label[@for=$id]", id=field.get("id") or "")
        assert labelled or field.get("aria-label"), f"{path}: no label for {field.get('name')}"
    summary = document.find_class("govuk-error-summary")
    assert bool(summary) == _words(titles[0]).startswith("Error: "), f"{path}: error summary and title disagree"
    for link in document.xpath("//div[contains(@class, 'govuk-error-summary')]//a/@href"):
        assert link[1:] in ids, f"{path}: the error summary points at {link}, which is not there"
    for inline in document.xpath("//@style|//@onclick|//script[not(@src)]|//style"):
        raise AssertionError(f"{path}: inline style or script {inline!r}")


def _form(button: Any) -> Any:
    form = next(iter(button.xpath("ancestor::form")), None)
    assert form is not None, f"the button {_words(button)!r} stands in no form"
    return form


def _words(element: Any) -> str:
    return " ".join(element.text_content().split())
