"""The compiled module, and what keeps it from being used where it cannot work."""

from __future__ import annotations

import os
from typing import Union

from . import _duologue
from ._duologue import DuologueError as Error

__all__ = ["Error", "Sound", "SupportsBuffer", "checked", "is_here"]

SupportsBuffer = object
#: ``bytes`` of 16-bit samples, or a one-dimensional buffer of float32, such as a NumPy array.
Sound = Union[bytes, bytearray, SupportsBuffer]

_PROCESS: int | None = None


def checked() -> None:
    """Notes the process that uses the engines first; refuses another, forked from it.

    Threads do not live on in a forked process: whatever waited for one there would wait for ever.
    """
    global _PROCESS
    if _PROCESS is None:
        _PROCESS = os.getpid()
    elif os.getpid() != _PROCESS:
        raise Error(
            "the engines were started before this process was forked, and do not work in it: use the start method "
            "'spawn' or 'forkserver' of multiprocessing, or load models only in the child"
        )


def is_here() -> bool:
    """Whether the engines, if they were started, were started in this very process."""
    return os.getpid() == _PROCESS


module = _duologue
