"""What the register says of a school that a check went by, and how two such sayings differ."""

from app.models.establishment import Establishment

# What an onboarding caller went by, or what says who may decide: fact → how people call it.
FACTS = {
    "name": "Name",
    "type_name": "Type",
    "status": "Status",
    "telephone": "Telephone",
    "website": "Website",
    "postcode": "Postcode",
    "head": "Head",
}


def snapshot(establishment: Establishment) -> dict[str, str]:
    """What the register says now of everything that a check went by."""
    return {fact: str(getattr(establishment, fact) or "") for fact in FACTS}


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Sentences such as `Telephone: 01632 960001 → 01632 960009`."""
    return [
        f"{called}: {before.get(fact) or 'none'} → {after[fact] or 'none'}"
        for fact, called in FACTS.items()
        if before.get(fact, "") != after[fact]
    ]
