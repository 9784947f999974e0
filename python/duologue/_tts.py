"""Text to speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from ._engine import checked, module
from ._stt import Word

__all__ = ["AudioChunk", "SpeechStream", "TextStream", "Tts"]


class AudioChunk(bytes):
    """Speech: 16-bit little-endian mono samples that know their rate.

    ``words`` begin in this chunk; their times count from the beginning of the whole speech.
    """

    sample_rate: int
    num_channels: int
    words: tuple[Word, ...]

    def __new__(cls, pcm: bytes, sample_rate: int, words: tuple[Word, ...] = ()) -> AudioChunk:
        chunk = super().__new__(cls, pcm)
        chunk.sample_rate = sample_rate
        chunk.num_channels = 1
        chunk.words = words
        return chunk

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self) / 2 / self.sample_rate


class Tts:
    """A voice model: a name of ``duologue models list`` or a directory.

    Raises :class:`duologue.Error` if there is no such model, or it cannot be loaded.
    """

    def __init__(self, model: str = "builtin", *, offline: bool = False) -> None:
        checked()
        self._voice = module.Voice(model, offline)

    @property
    def name(self) -> str:
        """The model's name, for people and logs."""
        return self._voice.name

    @property
    def sample_rate(self) -> int:
        """Rate of the speech, in Hz."""
        return self._voice.sample_rate

    @property
    def voices(self) -> list[str]:
        """The voices' names, the default first."""
        return self._voice.voices

    def synthesize(self, text: str, *, voice: str = "", speed: float = 1.0) -> AudioChunk:
        """The whole of ``text`` as speech; ``speed`` is .5 to 2. Blocks, without holding the interpreter."""
        chunks = list(self.stream(text, voice=voice, speed=speed))
        words = tuple(word for chunk in chunks for word in chunk.words)
        return AudioChunk(b"".join(chunks), self.sample_rate, words)

    async def synthesize_async(self, text: str, *, voice: str = "", speed: float = 1.0) -> AudioChunk:
        """As :meth:`synthesize`; the event loop goes on, and cancelling the task ends the synthesis."""
        chunks = [chunk async for chunk in self.stream(text, voice=voice, speed=speed)]
        words = tuple(word for chunk in chunks for word in chunk.words)
        return AudioChunk(b"".join(chunks), self.sample_rate, words)

    def stream(self, text: str, *, voice: str = "", speed: float = 1.0) -> SpeechStream:
        """Speech from the first clause on, to be read with ``for`` or ``async for``.

        The synthesis runs ahead by a few clauses at most, and ends when the stream is closed or forgotten.
        """
        checked()
        return SpeechStream(self._voice.speak(text, voice, speed), self.sample_rate)


    def stream_text(self, *, voice: str = "", speed: float = 1.0) -> TextStream:
        """Speech of text that is still coming, such as a language model's: each clause as soon as it is complete."""
        checked()
        sink, speaking = self._voice.speak_text(voice, speed)
        return TextStream(sink, speaking, self.sample_rate)


class SpeechStream(Iterator[AudioChunk], AsyncIterator[AudioChunk]):
    """Speech as it is made."""

    def __init__(self, speaking: module.Speaking, sample_rate: int) -> None:
        self._speaking = speaking
        self.sample_rate = sample_rate

    def _next(self) -> AudioChunk | None:
        checked()
        piece = self._speaking.next()
        if piece is None:
            return None
        pcm, words = piece
        return AudioChunk(pcm, self.sample_rate, tuple(Word(*word) for word in words))

    def __iter__(self) -> SpeechStream:
        return self

    def __next__(self) -> AudioChunk:
        while (chunk := self._next()) is not None:
            if chunk:
                return chunk
        raise StopIteration

    def __aiter__(self) -> SpeechStream:
        return self

    async def __anext__(self) -> AudioChunk:
        try:
            while (chunk := await asyncio.to_thread(self._next)) is not None:
                if chunk:
                    return chunk
        except asyncio.CancelledError:
            self.close()
            raise
        raise StopAsyncIteration

    def close(self) -> None:
        """Ends the synthesis, also in the midst of a clause; whoever reads the stream sees its end."""
        self._speaking.cancel()

    async def aclose(self) -> None:
        """As :meth:`close`."""
        self.close()

    def __enter__(self) -> SpeechStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TextStream(SpeechStream):
    """Speech of text that is still coming: :meth:`push` it, :meth:`end` it, and read the stream meanwhile."""

    def __init__(self, sink: module.TextSink, speaking: module.Speaking, sample_rate: int) -> None:
        super().__init__(speaking, sample_rate)
        self._sink = sink

    async def push(self, text: str) -> None:
        """Adds text; waits while 1,024 pieces of it wait to be spoken."""
        while not self._sink.push(text):
            await asyncio.sleep(0.05)

    def end(self) -> None:
        """No more text comes: what there is is spoken to its end."""
        self._sink.end()

    def close(self) -> None:
        """Ends the synthesis; whoever reads the stream sees its end."""
        self._sink.end()
        super().close()
