"""Structured logs. A secret never reaches them: whatever looks like one of ours is masked before it is written."""

import contextlib
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, TextIO, cast

import structlog

from app.settings import settings

_NAMES = "password|secret|token|code|verifier|assertion|hint|input_value"
_NAMED = rf"""(?i:({_NAMES})(=|%3D|['"]: ?)['"]?)"""
_SECRET = re.compile(rf"""gh_[a-z]{{2}}_[\w-]{{20,}}|eyJ[\w-]+\.[\w-]+\.[\w-]*|{_NAMED}[^&\s"']+""")


_request: ContextVar[Mapping[str, str]] = ContextVar("request", default=MappingProxyType({}))


def about(**request: str) -> None:
    """Let every line from here on say which request it is about."""
    _request.set(request)


def mask(text: str) -> str:
    """The text with every token, signed object and secret parameter cut out."""
    return _SECRET.sub(lambda found: f"{found.group(1) or ''}{found.group(2) or ''}[masked]", text)


class _Forwarding(logging.Handler):
    """Takes what the libraries say by the standard logging, tracebacks included, into the one log of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        logger.log(max(record.levelno, logging.INFO), record.getMessage(), logger=record.name, exc_info=record.exc_info)


class _StandardError:
    """Where lines are written, or are lost: a log whose disk is full must not cost anybody an answer."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure() -> None:
    """Send everything, uvicorn's own lines included, to standard error as `LOG_FORMAT` says."""
    renderer = structlog.processors.JSONRenderer() if settings.log_format == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            _placed,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _masked,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
    forwarding = _Forwarding(logging.WARNING)
    logging.getLogger().handlers = [
        *(handler for handler in logging.getLogger().handlers if not isinstance(handler, _Forwarding)),
        forwarding,
    ]
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        own = logging.getLogger(name)
        own.handlers, own.propagate = [], True


def _placed(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**_request.get(), **event}


def _masked(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: _said(name, value) for name, value in event.items()}


def _said(name: str, value: Any) -> Any:
    if re.search(rf"({_NAMES})$", name):
        return "[masked]"
    return value if value is None or isinstance(value, int | float) else mask(str(value))
