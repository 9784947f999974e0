"""Voice activity for LiveKit Agents."""

from __future__ import annotations

import asyncio
import time

import duologue
from livekit import rtc
from livekit.agents import vad

from .stt import mono

__all__ = ["VAD", "VADStream"]

#: Seconds of sound that are kept while nobody speaks, for the beginning of speech; and at most, of speech.
KEPT, LONGEST = 1.0, 60.0
#: From this probability on a frame counts as speech.
VOICED = 0.5


class VAD(vad.VAD):
    """A detector: ``silero``, ``energy`` (which needs no model), or a file."""

    def __init__(self, name: str = "silero", *, offline: bool = False) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))
        self._name = name
        self._vad = duologue.Vad(name, offline=offline)

    @classmethod
    def load(cls, name: str = "silero", *, offline: bool = False) -> VAD:
        """As the constructor, by the name that other plugins have for it."""
        return cls(name, offline=offline)

    @property
    def model(self) -> str:
        return self._name

    @property
    def provider(self) -> str:
        return "duologue"

    def stream(self) -> VADStream:
        return VADStream(self)


class VADStream(vad.VADStream):
    """Detection in one stream of sound; frames come back at the rate at which they came."""

    def __init__(self, detector: VAD) -> None:
        super().__init__(detector)
        self._detector = detector

    async def _main_task(self) -> None:
        rate, heard = 0, None
        async for item in self._input_ch:
            if not isinstance(item, rtc.AudioFrame):
                heard = None
                continue
            if heard is None or item.sample_rate != rate:
                rate = item.sample_rate
                stream = await asyncio.to_thread(self._detector._vad.stream, rate)
                heard = _Heard(stream, rate)
            begun = time.perf_counter()
            frames = await asyncio.to_thread(heard.push, mono(item))
            took = (time.perf_counter() - begun) / max(len(frames), 1)
            for frame in frames:
                for event in heard.events(frame, took):
                    self._event_ch.send_nowait(event)


class _Heard:
    """What was heard since the last boundary."""

    def __init__(self, stream: duologue.VadStream, rate: int) -> None:
        self._stream, self._rate = stream, rate
        self._sound = bytearray()
        # Samples before those of `_sound`.
        self._dropped = 0
        self._frames = 0
        self._speaking = False
        self._speech = self._silence = self._raw_speech = self._raw_silence = 0.0
        self._start = 0.0

    def push(self, pcm: bytes) -> list[duologue.VadFrame]:
        self._sound += pcm
        return self._stream.push_frames(pcm)

    def events(self, frame: duologue.VadFrame, took: float) -> list[vad.VADEvent]:
        """The events of one frame of the detector's."""
        length = self._stream.frame_seconds
        before = self._frames * length
        self._frames += 1
        voiced = frame.probability >= VOICED
        self._raw_speech = self._raw_speech + length if voiced else 0.0
        self._raw_silence = 0.0 if voiced else self._raw_silence + length
        self._speech, self._silence = (
            (self._speech + length, 0.0) if self._speaking else (0.0, self._silence + length)
        )
        kind = vad.VADEventType
        events = [self._event(kind.INFERENCE_DONE, self._cut(before, before + length), frame.probability, took)]
        for edge in frame.events:
            if edge.type == "speech_started":
                self._speaking, self._start = True, edge.at
                self._speech, self._silence = max(before + length - edge.at, 0.0), 0.0
                events.append(self._event(kind.START_OF_SPEECH, self._cut(edge.at, before + length)))
            else:
                self._speaking = False
                self._speech = edge.at - self._start
                events.append(self._event(kind.END_OF_SPEECH, self._cut(self._start, edge.at)))
        self._forget()
        return events

    def _event(
        self, kind: vad.VADEventType, frame: rtc.AudioFrame, probability: float = 0.0, took: float = 0.0
    ) -> vad.VADEvent:
        return vad.VADEvent(
            type=kind,
            samples_index=round(self._frames * self._stream.frame_seconds * 16_000),
            timestamp=time.time(),
            speech_duration=self._speech,
            silence_duration=self._silence,
            frames=[frame],
            probability=probability,
            inference_duration=took,
            speaking=self._speaking,
            raw_accumulated_silence=self._raw_silence,
            raw_accumulated_speech=self._raw_speech,
        )

    def _cut(self, start: float, end: float) -> rtc.AudioFrame:
        """The sound between two times, as far as it is kept."""
        first, last = (max(round(at * self._rate) - self._dropped, 0) * 2 for at in (start, end))
        pcm = bytes(self._sound[first:last])
        return rtc.AudioFrame(pcm, self._rate, 1, len(pcm) // 2)

    def _forget(self) -> None:
        most = LONGEST if self._speaking else KEPT
        excess = len(self._sound) // 2 - round(most * self._rate)
        if excess > 0:
            del self._sound[: excess * 2]
            self._dropped += excess
