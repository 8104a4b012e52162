"""Posted forms: parsing them once, and turning what is wrong into sentences beside their fields."""

import dataclasses
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.errors import Problem

URLENCODED = "application/x-www-form-urlencoded"


MOST_FIELDS, MOST_OF_A_LIST = 200, 5000


async def _posted(request: Request) -> dict[str, str]:
    """The form's fields. A file, another encoding or a field sent twice is refused: no page of ours sends one."""
    return await _fields(request, MOST_FIELDS)


async def _posted_list(request: Request) -> dict[str, str]:
    """The same of a page that lists many, with a field for each."""
    return await _fields(request, MOST_OF_A_LIST)


async def _fields(request: Request, most: int) -> dict[str, str]:
    sent: dict[str, str] = {}
    kind = request.headers.get("content-type", URLENCODED).partition(";")[0].strip().lower()
    if kind != URLENCODED:
        raise HTTPException(415)
    async with request.form(max_files=0, max_fields=most) as form:
        for name, value in form.multi_items():
            if name in sent or not isinstance(value, str):
                raise Problem(title="That form was not filled in on our page", hint="Go back and send it again.")
            sent[name] = value.replace("\x00", "").strip() if "password" not in name else value
    return sent


Posted = Annotated[dict[str, str], Depends(_posted)]
PostedList = Annotated[dict[str, str], Depends(_posted_list)]


@dataclasses.dataclass(frozen=True)
class Upload:
    """A form with at most one file: its fields, and what the file is called and holds (nothing where none was chosen).

    The name and the content are a stranger's. The body is at most `guard.BODY_LIMIT` bytes.
    """

    fields: dict[str, str]
    name: str
    content: bytes


async def _uploaded(request: Request) -> Upload:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise HTTPException(415)
    fields: dict[str, str] = {}
    name, content = "", b""
    async with request.form(max_files=1, max_fields=20) as form:
        for field, value in form.multi_items():
            if field in fields:
                raise Problem(title="That form was not filled in on our page", hint="Go back and send it again.")
            if isinstance(value, str):
                fields[field] = value.replace("\x00", "").strip()
                continue
            name, content = (value.filename or "")[-100:], await value.read()
    return Upload(fields, name, content)


Uploaded = Annotated[Upload, Depends(_uploaded)]


@dataclasses.dataclass(frozen=True)
class Fault:
    """One line of the error summary, and the id of the field it is about (empty: the whole form)."""

    text: str
    field: str = ""


def status_of(wrong: Exception) -> int:
    """The answer's status: a Problem's own, and 422 for a form that was not filled in as it should be."""
    return wrong.status if isinstance(wrong, Problem) else 422


def shown(wrong: ValidationError | Problem, form: type[BaseModel] | None = None) -> list[Fault]:
    """What to put right. Give each field of a form model a `description`: the sentence its reader should see."""
    if isinstance(wrong, Problem):
        return [Fault(wrong.text, wrong.field)]
    faults: dict[str, Fault] = {}
    for error in wrong.errors(include_url=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        own = str(error["ctx"]["error"]) if error["type"] == "value_error" else ""
        described = form.model_fields[name].description if form and name in form.model_fields else None
        faults.setdefault(name, Fault(own or described or error["msg"], name))
    return list(faults.values())
