"""Speech to text for LiveKit Agents: partial transcripts while somebody speaks, words with their times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import duologue
from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectionError,
    APIConnectOptions,
    LanguageCode,
    NotGivenOr,
    stt,
    utils,
)
from livekit.agents.types import TimedString

__all__ = ["STT", "SpeechStream"]

#: Rate, in Hz, that recognisers hear.
RATE = 16_000
LANGUAGE = LanguageCode("en")


class STT(stt.STT):
    """A recogniser by name (``duologue models list``), or a directory.

    ``pause`` is the silence, in seconds, that ends a segment; the session decides when the turn is over. ``hotwords``
    are phrases to prefer; they need a streaming transducer.
    """

    def __init__(
        self,
        model: str = "builtin",
        *,
        vad: str = "silero",
        pause: float = 0.2,
        hotwords: Sequence[str] = (),
        offline: bool = False,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True,
                interim_results=True,
                aligned_transcript="word",
                offline_recognize=True,
                manual_flush=True,
            )
        )
        self._name, self._vad_name, self._pause = model, vad, pause
        self._hotwords, self._offline = tuple(hotwords), offline
        self._loaded: tuple[duologue.Stt, duologue.Vad] | None = None

    @property
    def model(self) -> str:
        return self._name

    @property
    def provider(self) -> str:
        return "duologue"

    def _models(self) -> tuple[duologue.Stt, duologue.Vad]:
        """The models, which are loaded once; blocks."""
        if self._loaded is None:
            recogniser = duologue.Stt(self._name, offline=self._offline, hotwords=self._hotwords)
            self._loaded = (recogniser, duologue.Vad(self._vad_name, offline=self._offline))
        return self._loaded

    def prewarm(self) -> None:
        """Loads the models, so that the first stream need not."""
        self._models()

    async def _recognize_impl(
        self,
        buffer: utils.AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        frame = rtc.combine_audio_frames(buffer)

        def recognise() -> duologue.Transcript:
            recogniser, _ = self._models()
            return recogniser.transcribe(mono(frame), frame.sample_rate)

        try:
            heard = await asyncio.to_thread(recognise)
        except duologue.Error as error:
            raise APIConnectionError(str(error), retryable=False) from error
        data = alternative(heard.text, 0.0, frame.duration, heard.words, 0.0)
        return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, utils.shortuuid(), [data])

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> SpeechStream:
        return SpeechStream(self, conn_options)


def mono(frame: rtc.AudioFrame) -> bytes:
    """The first channel of a frame."""
    pcm = bytes(frame.data)
    if frame.num_channels == 1:
        return pcm
    step = 2 * frame.num_channels
    return b"".join(pcm[at : at + 2] for at in range(0, len(pcm), step))


def alternative(
    text: str, start: float, end: float, words: Sequence[duologue.Word], offset: float
) -> stt.SpeechData:
    """What was heard, at its time in the session."""
    timed = [
        TimedString(word.text, start_time=word.start + offset, end_time=word.end + offset) for word in words
    ]
    return stt.SpeechData(
        language=LANGUAGE, text=text, start_time=start + offset, end_time=end + offset, words=timed or None
    )


class SpeechStream(stt.RecognizeStream):
    """One stream of sound; its segments end at pauses, at ``flush``, and at the end."""

    def __init__(self, recogniser: STT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=recogniser, conn_options=conn_options, sample_rate=RATE)
        self._recogniser = recogniser
        self._segment = ""
        self._speaking = False

    async def _run(self) -> None:
        try:
            recogniser, vad = await asyncio.to_thread(self._recogniser._models)
            await self._hear(recogniser, vad)
        except duologue.Error as error:
            # Another try would fail as well.
            raise APIConnectionError(str(error), retryable=False) from error

    async def _hear(self, recogniser: duologue.Stt, vad: duologue.Vad) -> None:
        # Where the present listener began, in seconds since the stream did.
        begun = passed = reported = 0.0
        listener = duologue.Listener(recogniser, vad, rate=RATE, pause=self._recogniser._pause)
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                passed += item.duration
                self._tell(await asyncio.to_thread(listener.push, mono(item)), begun)
            else:
                self._tell(await asyncio.to_thread(listener.finish), begun)
                begun = passed
                listener = duologue.Listener(recogniser, vad, rate=RATE, pause=self._recogniser._pause)
                self._report(passed - reported)
                reported = passed
        self._tell(await asyncio.to_thread(listener.finish), begun)
        self._report(passed - reported)

    def _report(self, seconds: float) -> None:
        if seconds > 0:
            usage = stt.RecognitionUsage(audio_duration=seconds)
            self._event_ch.send_nowait(
                stt.SpeechEvent(stt.SpeechEventType.RECOGNITION_USAGE, recognition_usage=usage)
            )

    def _tell(self, heard: Sequence[duologue.Heard], begun: float) -> None:
        offset = begun + self.start_time_offset
        for one in heard:
            if one.type == "partial":
                self._begin()
                self._send(stt.SpeechEventType.INTERIM_TRANSCRIPT, one, offset)
                continue
            if one.text:
                self._begin()
                # The segment's words will not change any more: an answer to them may be begun.
                self._send(stt.SpeechEventType.PREFLIGHT_TRANSCRIPT, one, offset)
                self._send(stt.SpeechEventType.FINAL_TRANSCRIPT, one, offset)
            if self._speaking:
                self._speaking = False
                self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH))

    def _begin(self) -> None:
        if not self._speaking:
            self._speaking, self._segment = True, utils.shortuuid()
            self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))

    def _send(self, kind: stt.SpeechEventType, heard: duologue.Heard, offset: float) -> None:
        data = alternative(heard.text, heard.start, heard.end, heard.words, offset)
        self._event_ch.send_nowait(stt.SpeechEvent(kind, self._segment, [data]))
