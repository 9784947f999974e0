"""Text to speech for LiveKit Agents: from the first clause on, with the time of each word."""

from __future__ import annotations

import asyncio

import duologue
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectionError, APIConnectOptions, tts, utils
from livekit.agents.types import TimedString

__all__ = ["TTS", "ChunkedStream", "SynthesizeStream"]

#: Rate, in Hz, of the built-in voice and of Kokoro, which is assumed until another model is loaded.
RATE = 24_000


class TTS(tts.TTS):
    """A voice model by name (``duologue models list``), or a directory; ``voice`` is one of its voices.

    ``sample_rate`` must be the model's: 24,000 Hz for the built-in voice and Kokoro, 22,050 Hz for Piper's.
    """

    def __init__(
        self,
        model: str = "builtin",
        *,
        voice: str = "",
        speed: float = 1.0,
        sample_rate: int = RATE,
        offline: bool = False,
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=sample_rate,
            num_channels=1,
        )
        self._name, self._voice, self._speed, self._offline = model, voice, speed, offline
        self._loaded: duologue.Tts | None = None

    @property
    def model(self) -> str:
        return self._name

    @property
    def provider(self) -> str:
        return "duologue"

    def _model(self) -> duologue.Tts:
        """The model, which is loaded once; blocks."""
        if self._loaded is None:
            loaded = duologue.Tts(self._name, offline=self._offline)
            if loaded.sample_rate != self.sample_rate:
                raise duologue.Error(
                    f"{self._name} speaks at {loaded.sample_rate} Hz: give TTS(sample_rate={loaded.sample_rate})"
                )
            self._loaded = loaded
        return self._loaded

    def prewarm(self) -> None:
        """Loads the model, so that the first speech need not."""
        self._model()

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> ChunkedStream:
        return ChunkedStream(self, text, conn_options)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> SynthesizeStream:
        return SynthesizeStream(self, conn_options)


async def give(stream: duologue.SpeechStream, emitter: tts.AudioEmitter) -> None:
    """Hands speech on as it is made."""
    try:
        async for chunk in stream:
            words = [
                TimedString(word.text + " ", start_time=word.start, end_time=word.end) for word in chunk.words
            ]
            if words:
                emitter.push_timed_transcript(words)
            emitter.push(bytes(chunk))
    finally:
        stream.close()


class ChunkedStream(tts.ChunkedStream):
    """The speech of a whole text."""

    def __init__(self, voice: TTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)
        self._voice = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._voice.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
        )
        try:
            model = await asyncio.to_thread(self._voice._model)
            stream = model.stream(self._input_text, voice=self._voice._voice, speed=self._voice._speed)
            await give(stream, output_emitter)
        except duologue.Error as error:
            # Another try would fail as well.
            raise APIConnectionError(str(error), retryable=False) from error
        output_emitter.flush()


class SynthesizeStream(tts.SynthesizeStream):
    """The speech of text that is still coming."""

    def __init__(self, voice: TTS, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, conn_options=conn_options)
        self._voice = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._voice.sample_rate,
            num_channels=1,
            mime_type="audio/pcm",
            stream=True,
        )
        try:
            model = await asyncio.to_thread(self._voice._model)
            await self._speak(model.stream_text(voice=self._voice._voice, speed=self._voice._speed), output_emitter)
        except duologue.Error as error:
            # Another try would fail as well.
            raise APIConnectionError(str(error), retryable=False) from error

    async def _speak(self, stream: duologue.TextStream, emitter: tts.AudioEmitter) -> None:
        emitter.start_segment(segment_id=utils.shortuuid())
        giving = asyncio.create_task(give(stream, emitter))
        try:
            async for item in self._input_ch:
                if isinstance(item, str):
                    self._mark_started()
                    await stream.push(item)
            stream.end()
            await giving
        finally:
            stream.close()
            giving.cancel()
        emitter.end_segment()
