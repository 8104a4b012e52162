"""`gatehouse serve` and `gatehouse worker`."""

from typing import Annotated

import typer

from app.settings import settings


def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Defaults to GATEHOUSE_PORT.")] = settings.port,
    workers: int = 1,
) -> None:
    """Answer requests. Mails leave by `gatehouse worker`, which runs beside this."""
    import uvicorn

    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=20,
    )


def worker() -> None:
    """Send what waits in the outbox, until stopped."""
    from app import logs
    from app.notify import outbox

    logs.configure()
    outbox.run()
