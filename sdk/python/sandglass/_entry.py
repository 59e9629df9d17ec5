"""Where the host comes in."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Callable

from componentize_py_types import Err
from wit_world.exports.run import Failure as _Told

from . import _json
from ._context import Context
from ._error import Error, Failure
from ._log import log

Job = Callable[[Context], Any]


def job(work: Job) -> Job:
    """Makes a function the job of its module. What it returns is the run's result: text as it is, anything else as
    JSON, None for none."""

    class Run:
        def run(self, input: str | None) -> str | None:
            try:
                result = work(Context(input))
                return result if result is None or isinstance(result, str) else _json.text(result)
            except Failure as failure:
                raise Err(_Told(failure.retry, failure.message)) from None
            except Error as error:
                raise Err(_Told(error.retriable, str(error))) from None
            except Exception as error:
                log.error("".join(traceback.format_exception(error)).rstrip())
                raise Err(_Told(False, f"{type(error).__name__}: {error}")) from None

    # componentize-py looks for the export's class, by this name, in the module that it was given.
    sys.modules[work.__module__].Run = Run  # type: ignore[attr-defined]
    return work
