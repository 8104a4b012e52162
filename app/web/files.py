"""Static files. Their addresses hold their digest (`pages.static`), so browsers may keep them for ever."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.web.pages import STATIC


class Files(StaticFiles):
    """What lies in `app/web/static`."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        # Fonts are named by the stylesheet without a digest; they never change under one name.
        if b"v=" in scope["query_string"] or path.startswith("fonts/"):
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer
