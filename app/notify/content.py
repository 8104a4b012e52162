"""What a message says, on its way through any channel."""

import dataclasses
import json
import re
from typing import Self


@dataclasses.dataclass(frozen=True)
class Content:
    """`links` are the addresses in `text` that may be followed, each exactly as it stands there."""

    to: str
    subject: str
    text: str
    links: list[str]

    @property
    def paragraphs(self) -> list[list[list[str]]]:
        """The text as paragraphs of lines of parts, where every link is a part of its own: what HTML is made from."""
        known = "|".join(re.escape(link) for link in sorted(self.links, key=len, reverse=True))
        return [
            [re.split(f"({known})", line) if known else [line] for line in paragraph.split("\n")]
            for paragraph in re.split(r"\n{2,}", self.text.strip())
        ]

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Undeliverable(Exception):
    """This message will never be accepted: trying again is of no use."""
