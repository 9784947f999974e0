"""A conversation on frames of your own."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, Union, cast

from ._engine import Error, Sound, checked, is_here, module
from ._tts import AudioChunk

__all__ = ["AudioPipeline", "Event", "SayHandle"]

#: What happened: ``type``, ``at`` (seconds since the start), and what belongs to it (``text``, ``heard``, …).
Event = Mapping[str, Any]
Answer = Union[str, None, Iterable[str], AsyncIterator[str], Awaitable[Union[str, None]]]
Outcome = Literal["finished", "interrupted", "dropped", "failed"]

logger = logging.getLogger("duologue")

#: How long a thread waits at a time: it looks between two waits whether it is still wanted.
_WAIT = 0.1


class SayHandle:
    """A speech of the agent's own accord."""

    def __init__(self, say: module.Say) -> None:
        self._say = say

    @property
    def heard(self) -> str:
        """The part of the text whose words were played."""
        return self._say.heard

    def cancel(self) -> None:
        """Stops this speech, or forgets it if it still waits."""
        self._say.cancel()

    async def wait(self) -> Outcome:
        """Waits for the end: ``finished``, ``interrupted``, ``dropped`` or ``failed``."""
        while (outcome := await asyncio.to_thread(self._say.wait, _WAIT)) is None:
            pass
        return cast(Outcome, outcome)


class AudioPipeline:
    """Hears your frames, asks your agent, and gives frames to play, in real time.

        async with AudioPipeline(on_turn=lambda text: f"You said: {text}.") as pipeline:
            pipeline.push(frame_from_the_microphone)
            play(await pipeline.pull())

    ``on_turn`` answers what the user said: it returns a text, an iterable or an async iterator of texts, which are
    spoken as they come; it may be a coroutine. When the user interrupts, nothing more of it is spoken, and it is closed
    at its next text. A plain iterable is read on the event loop: it must not block. ``capture_rate`` and ``playback_rate`` are those of your frames, multiples of 100 Hz. Sound that is not
    pushed in time is silence to it; what you play should be played at once, or it takes the echo for somebody.

    Leave it with ``aclose`` (``async with`` does): that ends its threads.
    """

    def __init__(
        self,
        *,
        stt: str = "builtin",
        tts: str = "builtin",
        vad: str = "silero",
        offline: bool = False,
        capture_rate: int = 16_000,
        playback_rate: int = 24_000,
        on_turn: Callable[[str], Answer] | None = None,
    ) -> None:
        self._settings = (stt, tts, vad, offline, (capture_rate, playback_rate), on_turn is not None)
        self.capture_rate = capture_rate
        self.playback_rate = playback_rate
        self._on_turn = on_turn
        self._running: module.Pipeline | None = None
        self._answering: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Loads the models and starts; it listens when this returns.

        Raises :class:`duologue.Error` if a model cannot be loaded or a rate cannot be had.
        """
        checked()
        if self._running is not None:
            raise Error("this pipeline has started already; make another")
        self._running = await asyncio.to_thread(module.Pipeline, *self._settings)
        _OPEN.add(self)
        if self._on_turn is not None:
            self._answering = asyncio.create_task(self._answer_turns(self._running, self._on_turn))

    async def aclose(self) -> None:
        """Ends the conversation and its threads; a second call does nothing."""
        if self._answering is not None:
            self._answering.cancel()
            await asyncio.gather(self._answering, return_exceptions=True)
            self._answering = None
        if self._running is not None:
            await asyncio.to_thread(self._running.close)

    async def __aenter__(self) -> AudioPipeline:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def push(self, sound: Sound) -> int:
        """Gives captured sound; how many samples there was room for (a second). Never waits."""
        return self._pipeline.push(sound)

    async def pull(self, samples: int | None = None) -> AudioChunk:
        """The next sound to play, at most ``samples`` samples (10 ms if not said); waits until some is there."""
        count = samples or self.playback_rate // 100
        while not (pcm := await asyncio.to_thread(self._pipeline.pull, count, _WAIT)):
            pass
        return AudioChunk(pcm, self.playback_rate)

    async def events(self) -> AsyncIterator[Event]:
        """What happens, as it does, until the pipeline is closed. One reader at a time."""
        more = True
        while more:
            more, event = await asyncio.to_thread(self._pipeline.event, _WAIT)
            if event is not None:
                yield event

    def say(self, text: str) -> SayHandle:
        """Speaks ``text`` after what is being said."""
        return SayHandle(self._pipeline.say(text))

    def cancel(self) -> None:
        """Falls silent, and forgets what waits to be said."""
        self._pipeline.cancel()

    def user_text(self, text: str) -> None:
        """A turn that the user typed."""
        self._pipeline.user_text(text)

    def set_muted(self, muted: bool) -> None:
        """Whether what the user says is left out."""
        self._pipeline.set_muted(muted)

    @property
    def _pipeline(self) -> module.Pipeline:
        checked()
        if self._running is None:
            raise Error("this pipeline has not started; use `async with`, or await start()")
        return self._running

    async def _answer_turns(self, running: module.Pipeline, on_turn: Callable[[str], Answer]) -> None:
        """Answers one turn after the other; a turn that is asked ends the answer to the one before."""
        current: asyncio.Task[None] | None = None
        try:
            while True:
                turn = await asyncio.to_thread(running.turn, _WAIT)
                if turn is None:
                    continue
                if current is not None:
                    current.cancel()
                current = asyncio.create_task(self._answer(running, on_turn, *turn))
        finally:
            if current is not None:
                current.cancel()

    async def _answer(
        self, running: module.Pipeline, on_turn: Callable[[str], Answer], turn: int, text: str
    ) -> None:
        failure: str | None = None
        texts: AsyncGenerator[str, None] | None = None
        try:
            texts = _texts(on_turn(text))
            async for delta in texts:
                while (taken := running.answer(turn, delta)) is None:
                    await asyncio.sleep(_WAIT)
                if not taken:
                    return
        except Exception as error:
            # The conversation goes on; a fault among the events tells of it.
            failure = f"{type(error).__name__}: {error}"
            logger.exception("on_turn failed on %r", text)
        finally:
            running.answered(turn, failure)
            if texts is not None:
                await texts.aclose()


async def _texts(answer: Answer) -> AsyncGenerator[str, None]:
    """Whatever an agent returns, as texts."""
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is None:
        return
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, AsyncIterator):
        try:
            async for delta in answer:
                yield delta
        finally:
            if isinstance(answer, AsyncGenerator):
                await answer.aclose()
    else:
        for delta in answer:
            yield delta


#: What still runs when the interpreter ends: its threads must end before.
_OPEN: weakref.WeakSet[AudioPipeline] = weakref.WeakSet()


def _close_all() -> None:
    if not is_here():
        # A forked process has none of the threads that closing would wait for.
        return
    for pipeline in list(_OPEN):
        if pipeline._running is not None:
            pipeline._running.close()


atexit.register(_close_all)
