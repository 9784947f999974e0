"""Voice activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._engine import Sound, checked, module

__all__ = ["Vad", "VadEvent", "VadStream"]


@dataclass(frozen=True)
class VadEvent:
    """Speech began or ended; ``at`` is in seconds since the stream's beginning, margins included."""

    type: Literal["speech_started", "speech_ended"]
    at: float


class Vad:
    """A voice activity detector: ``silero``, ``energy`` (which needs no model), or a file."""

    def __init__(self, name: str = "silero", *, offline: bool = False) -> None:
        checked()
        self._activity = module.Activity(name, offline)

    def stream(self, rate: int = 16_000) -> VadStream:
        """Detection in one stream of sound, ``rate`` Hz."""
        checked()
        return VadStream(self._activity.stream(rate))


class VadStream:
    """Detection in one stream of sound."""

    def __init__(self, stream: module.ActivityStream) -> None:
        self._stream = stream

    def push(self, sound: Sound) -> list[VadEvent]:
        """Hears ``sound``; what was decided meanwhile."""
        return _events(self._stream.push(sound))

    def finish(self) -> list[VadEvent]:
        """The stream is over; ends speech that is under way."""
        return _events(self._stream.finish())


def _events(edges: list[tuple[bool, float]]) -> list[VadEvent]:
    return [VadEvent("speech_started" if start else "speech_ended", at) for start, at in edges]
