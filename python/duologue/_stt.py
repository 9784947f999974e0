"""Speech to text."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from ._engine import Sound, checked, module

__all__ = ["Stt", "SttStream", "Transcript", "Word"]


@dataclass(frozen=True)
class Word:
    """A recognised word; times in seconds since the beginning."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Transcript:
    """What was recognised. ``words`` is empty where the model gives no times."""

    text: str
    words: tuple[Word, ...] = ()

    def __str__(self) -> str:
        return self.text


def _transcript(heard: tuple[str, list[tuple[str, float, float]]]) -> Transcript:
    text, words = heard
    return Transcript(text, tuple(Word(*word) for word in words))


class Stt:
    """A recogniser.

    ``model`` is a name of ``duologue models list``, a directory, or two of them joined by ``+`` (the second gives the
    final transcript). ``hotwords`` are phrases to prefer; they need a streaming transducer. The model is loaded once,
    here; streams of it are cheap, and any number of threads may use it.

    Raises :class:`duologue.Error` if there is no such model, or it cannot be loaded.
    """

    def __init__(self, model: str = "builtin", *, offline: bool = False, hotwords: Iterable[str] = ()) -> None:
        checked()
        self._recogniser = module.Recogniser(model, offline, list(hotwords))

    @property
    def name(self) -> str:
        """The model's name, for people and logs."""
        return self._recogniser.name

    def transcribe(self, sound: Sound, rate: int) -> Transcript:
        """What is said in ``sound``, ``rate`` Hz (8,000 to 192,000). Blocks, without holding the interpreter."""
        checked()
        return _transcript(self._recogniser.transcribe(sound, rate))

    async def transcribe_async(self, sound: Sound, rate: int) -> Transcript:
        """As :meth:`transcribe`, on a thread: the event loop goes on."""
        return await asyncio.to_thread(self.transcribe, sound, rate)

    def stream(self, rate: int = 16_000) -> SttStream:
        """The decoding of one utterance of ``rate`` Hz, as its sound comes."""
        checked()
        return SttStream(self._recogniser.stream(rate))


class SttStream:
    """One utterance: :meth:`push` its sound, :meth:`finish` it, :meth:`reset` before the next."""

    def __init__(self, stream: module.RecogniserStream) -> None:
        self._stream = stream

    def push(self, sound: Sound) -> str:
        """Hears ``sound``; the text so far, which may still change."""
        checked()
        return self._stream.push(sound)

    def finish(self) -> Transcript:
        """Ends the utterance; its final transcript."""
        checked()
        return _transcript(self._stream.finish())

    def reset(self) -> None:
        """Forgets everything: the next sound begins a new utterance."""
        self._stream.reset()
