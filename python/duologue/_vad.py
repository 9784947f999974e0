"""Voice activity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._engine import Sound, checked, module

__all__ = ["Vad", "VadEvent", "VadFrame", "VadStream"]


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


@dataclass(frozen=True)
class VadFrame:
    """One frame of the detector's: the probability of speech, and what was decided at it."""

    probability: float
    events: tuple[VadEvent, ...]


class VadStream:
    """Detection in one stream of sound."""

    def __init__(self, stream: module.ActivityStream) -> None:
        self._stream = stream

    @property
    def frame_seconds(self) -> float:
        """How long a frame of the detector is: 32 ms for Silero."""
        return self._stream.frame

    def push(self, sound: Sound) -> list[VadEvent]:
        """Hears ``sound``; what was decided meanwhile."""
        return [event for frame in self.push_frames(sound) for event in frame.events]

    def push_frames(self, sound: Sound) -> list[VadFrame]:
        """Hears ``sound``; every frame that is complete."""
        checked()
        return [VadFrame(probability, _events(edges)) for probability, edges in self._stream.push(sound)]

    def finish(self) -> list[VadEvent]:
        """The stream is over; ends speech that is under way."""
        return list(_events(self._stream.finish()))

    def reset(self) -> None:
        """Forgets everything: the next sound is the first of a stream."""
        self._stream.reset()


def _events(edges: list[tuple[bool, float]]) -> tuple[VadEvent, ...]:
    return tuple(VadEvent("speech_started" if start else "speech_ended", at) for start, at in edges)
