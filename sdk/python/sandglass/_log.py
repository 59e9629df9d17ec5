"""The run's log. What is printed ends there too."""

from __future__ import annotations

from wit_world.imports import log as _host


class log:
    """Adds lines to the run's log, at a level."""

    @staticmethod
    def trace(message: object) -> None:
        _host.write(_host.Level.TRACE, str(message))

    @staticmethod
    def debug(message: object) -> None:
        _host.write(_host.Level.DEBUG, str(message))

    @staticmethod
    def info(message: object) -> None:
        _host.write(_host.Level.INFO, str(message))

    @staticmethod
    def warn(message: object) -> None:
        _host.write(_host.Level.WARN, str(message))

    @staticmethod
    def error(message: object) -> None:
        _host.write(_host.Level.ERROR, str(message))
