"""What a person types about themselves: name, e-mail address, mobile number, and what is wrong with each."""

from pydantic import BaseModel, Field, field_validator

from app.web.people import PersonForm, address
from app.web.telephone import uk_mobile

__all__ = ["DetailsForm", "PersonForm", "QuestionForm", "address", "uk_mobile"]

LONGEST_TEXT = 5000


class DetailsForm(PersonForm):
    """The main administrative user of a school."""

    mobile: str = Field(description="Enter your mobile number")

    @field_validator("mobile")
    @classmethod
    def _is_a_mobile(cls, mobile: str) -> str:
        return uk_mobile(mobile)


class QuestionForm(BaseModel):
    """A few sentences to our support, or in answer to it."""

    text: str = Field(description="Write your message")

    @field_validator("text")
    @classmethod
    def _is_said(cls, text: str) -> str:
        if not text:
            raise ValueError("Write your message")
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"Your message must be {LONGEST_TEXT:,} characters or fewer")
        return text
