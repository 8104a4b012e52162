"""The read-back code: shown on the registrant's tracker alone, and heard again when we ring the school."""

import secrets

_WORDS = """
acorn amber apple arrow basil beech birch bloom brook candle canyon cedar
chalk cherry clover coral cotton daisy ember falcon feather fern fiddle forest
garden ginger harbour hazel heron honey island ivory jasmine jigsaw kettle kite
ladder lantern lemon linen maple marble meadow melon mint moss nutmeg oak
olive orange orchard otter paper pebble pepper pine planet plum poppy quartz
rabbit raven ribbon river robin rocket rowan saddle sail silver sparrow spruce
star stone summer sunset thistle tiger timber tulip velvet violet walnut willow
winter
""".split()  # noqa: SIM905


def new() -> str:
    """Such as `LANTERN-4071`: one word that is hard to mishear, four digits; about one in 850,000."""
    return f"{secrets.choice(_WORDS).upper()}-{secrets.randbelow(10_000):04}"
