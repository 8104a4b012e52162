"""Files that partners upload: a logo, made anew from its pixels, and an agreement, kept as it came."""

import io
import threading
import warnings

from app.errors import Problem

LARGEST = 256  # pixels of a logo's longer side
MOST_PIXELS = 4_000_000  # 16 MB while it is opened
_one_at_a_time = threading.Lock()


class NotTaken(Problem):
    status = 422
    title = "That file cannot be used"


def logo(content: bytes) -> bytes:
    """A PNG of at most 256 by 256 pixels, with nothing of the file but its pixels. Raises NotTaken."""
    from PIL import Image  # noqa: PLC0415 - for the few who upload one, no start should wait

    try:
        with (
            _one_at_a_time,
            warnings.catch_warnings(action="error"),
            Image.open(io.BytesIO(content), formats=["PNG", "JPEG", "WEBP"]) as found,
        ):
            if found.width * found.height > MOST_PIXELS:
                raise NotTaken("The picture has too many pixels. Make it smaller.", "file")
            picture = found.convert("RGBA")
    except NotTaken:
        raise
    except Exception as wrong:  # whatever a decoder makes of a stranger's bytes
        raise NotTaken("Choose a picture in PNG, JPEG or WebP.", "file") from wrong
    picture.thumbnail((LARGEST, LARGEST))
    made = io.BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()


def agreement(content: bytes) -> bytes:
    """A PDF. Raises NotTaken."""
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
        raise NotTaken("Choose a PDF.", "file")
    return content
