"""`gatehouse serve` and `gatehouse worker`."""

import socket
from typing import Annotated

import typer

from app.settings import settings


def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Defaults to GATEHOUSE_PORT.")] = settings.port,
    workers: int = 1,
) -> None:
    """Answer requests. Mails leave by `gatehouse worker`, which runs beside this."""
    need_free(host, port)
    run("app.main:create_app", host, port, workers)


def run(application: str, host: str, port: int, workers: int) -> None:
    """Answer requests until stopped. `application`: the function that makes it, as `module:name`."""
    import uvicorn

    uvicorn.run(
        application,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        log_level="warning",
        timeout_graceful_shutdown=20,
    )


def need_free(host: str, port: int) -> None:
    """Exit 1 with a clear line if somebody listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            typer.echo(f"Port {port} of {host} cannot be used: {taken.strerror}. Choose another one.", err=True)
            raise typer.Exit(1) from taken


def worker() -> None:
    """Send what waits in the outbox and for webhooks, and do what is due at its time, until stopped."""
    from app import logs
    from app.chores import BESIDE, Chores
    from app.notify import outbox

    logs.configure()
    outbox.run(also=Chores(), beside=BESIDE)
