"""A stream of sound to utterances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._engine import Sound, checked, module
from ._stt import Stt, Word
from ._vad import Vad

__all__ = ["Heard", "Listener"]


@dataclass(frozen=True)
class Heard:
    """The words of an utterance: so far (``partial``; ``end`` is its beginning then), or all of them (``final``).

    A final's text is empty if nothing was recognised. Times are in seconds since the stream's beginning.
    """

    type: Literal["partial", "final"]
    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()


class Listener:
    """Finds the utterances in a stream of ``rate`` Hz, and what is said in them.

    A silence of ``pause`` seconds (.02 to 5) ends an utterance. No first word is lost: recognition begins before the
    voice was noticed.
    """

    def __init__(self, stt: Stt, vad: Vad, *, rate: int = 16_000, pause: float = 0.2) -> None:
        checked()
        self._utterances = module.Utterances(stt._recogniser, vad._activity, rate, round(pause * 1000))

    def push(self, sound: Sound) -> list[Heard]:
        """Hears ``sound``; what was found meanwhile."""
        checked()
        return _heard(self._utterances.push(sound))

    def finish(self) -> list[Heard]:
        """The stream is over; ends the utterance that is under way."""
        checked()
        return _heard(self._utterances.finish())


def _heard(utterances: list[tuple[bool, str, float, float, list[tuple[str, float, float]]]]) -> list[Heard]:
    return [
        Heard("final" if final else "partial", text, start, end, tuple(Word(*word) for word in words))
        for final, text, start, end, words in utterances
    ]
