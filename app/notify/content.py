"""What a message says, on its way through any channel."""

import dataclasses
import json
from typing import Self


@dataclasses.dataclass(frozen=True)
class Content:
    """`links` are the addresses in `text` that may be followed, each exactly as it stands there."""

    to: str
    subject: str
    text: str
    links: list[str]

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))


class Undeliverable(Exception):
    """This message will never be accepted: trying again is of no use."""
