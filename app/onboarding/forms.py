"""What an operator types about a case or a school, and what is wrong with it."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from app.models.base import now
from app.models.verification import HEARD, NO_ANSWER
from app.web.pages import LONDON

LONGEST_LINE, LONGEST_TEXT = 120, 2000


def _line(text: str) -> str:
    if len(text) > LONGEST_LINE:
        raise ValueError(f"Write {LONGEST_LINE} characters or fewer")
    return " ".join(text.split())


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"Write {LONGEST_TEXT:,} characters or fewer")
    return text


def _needed(text: str, info: ValidationInfo) -> str:
    if not text:
        raise ValueError(_MISSING[info.field_name or ""])
    return text


def _moment(text: object) -> dt.datetime | None:
    """A day and time by the clock in London, still to come; None for nothing typed."""
    if not text:
        return None
    try:
        typed = dt.datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError("Choose a day and a time for the next call") from None
    moment = typed.replace(tzinfo=LONDON) if typed.tzinfo is None else typed
    if not now() < moment < now() + dt.timedelta(days=60):
        raise ValueError("Choose a time for the next call that is still to come, within 60 days")
    return moment.astimezone(dt.UTC)


_MISSING = {
    "person": "Write down who answered",
    "heard": "Type the code that you heard",
    "letter_person": "Write down who rang",
    "letter_heard": "Type the code that was read out from the letter",
    "note": "Write a note",
    "question": "Write what you ask the school for",
    "answer": "Write down what the school answered",
    "reason": "Write the reason",
    "close_reason": "Write the reason",
}

Line = Annotated[str, AfterValidator(_line)]
Text = Annotated[str, AfterValidator(_text)]
NeededLine = Annotated[str, AfterValidator(_line), AfterValidator(_needed)]
NeededText = Annotated[str, AfterValidator(_text), AfterValidator(_needed)]
Moment = Annotated[dt.datetime | None, BeforeValidator(_moment)]


class Nothing(BaseModel):
    """A button without fields."""


class CallForm(BaseModel):
    model_config = ConfigDict(validate_default=True)

    number: Line = Field("", description="Write the number that you rang")
    outcome: Literal["no answer", "wrong number", "refused", "confirmed"] = Field(
        description="Choose how the call went"
    )
    person: Line = ""
    heard: Line = ""
    call_notes: Text = ""
    next_call: Moment = None

    @field_validator("person")
    @classmethod
    def _somebody_answered(cls, person: str, info: ValidationInfo) -> str:
        return person if info.data.get("outcome") in (None, NO_ANSWER) else _needed(person, info)

    @field_validator("heard")
    @classmethod
    def _code_was_heard(cls, heard: str, info: ValidationInfo) -> str:
        return _needed(heard, info) if info.data.get("outcome") == HEARD else heard


class LetterCodeForm(BaseModel):
    letter_person: NeededLine
    letter_heard: NeededLine
    letter_notes: Text = ""


class PlanForm(BaseModel):
    planned: Moment = None


class NoteForm(BaseModel):
    note: NeededText


class QuestionForm(BaseModel):
    question: NeededText


class AnswerForm(BaseModel):
    answer: NeededText


class ReasonForm(BaseModel):
    reason: NeededText


class CloseForm(BaseModel):
    close_reason: NeededText
    sure: Literal["yes"] = Field(description="Tick the box if the school is to be closed for good")
