"""Text to speech for Pipecat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import duologue
from pipecat.frames.frames import ErrorFrame, Frame, StartFrame, TTSAudioRawFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transcriptions.language import Language

__all__ = ["DuologueTTSService"]

#: Rate, in Hz, of the built-in voice and of Kokoro.
RATE = 24_000


class DuologueTTSService(TTSService):
    """A voice model by name (``duologue models list``), or a directory; ``voice`` is one of its voices.

    ``sample_rate`` must be the model's: 24,000 Hz for the built-in voice and Kokoro, 22,050 Hz for Piper's.
    """

    def __init__(
        self,
        *,
        model: str = "builtin",
        voice: str = "",
        speed: float = 1.0,
        sample_rate: int = RATE,
        offline: bool = False,
        **kwargs: Any,
    ) -> None:
        settings = TTSSettings(model=model, voice=voice, language=Language.EN)
        given = {"push_start_frame": True, "push_stop_frames": True, "settings": settings} | kwargs
        super().__init__(sample_rate=sample_rate, **given)
        self._loading = (model, offline)
        self._speed = speed
        self._model: duologue.Tts | None = None

    def can_generate_metrics(self) -> bool:
        return True

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        if self._model is not None:
            return
        model, offline = self._loading
        self._model = await asyncio.to_thread(duologue.Tts, model, offline=offline)
        if self._model.sample_rate != self.sample_rate:
            rate = self._model.sample_rate
            raise duologue.Error(f"{model} speaks at {rate} Hz: give DuologueTTSService(sample_rate={rate})")

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        if self._model is None:
            yield ErrorFrame("the voice is not loaded yet: the pipeline has not started")
            return
        voice = self._settings.voice
        stream = self._model.stream(text, voice=voice if isinstance(voice, str) else "", speed=self._speed)
        try:
            async for chunk in stream:
                await self.stop_ttfb_metrics()
                for at in range(0, len(chunk), self.chunk_size):
                    pcm = bytes(chunk[at : at + self.chunk_size])
                    yield TTSAudioRawFrame(pcm, self.sample_rate, 1, context_id=context_id)
        except duologue.Error as error:
            yield ErrorFrame(str(error))
        finally:
            # An interruption closes this generator: nothing is spoken that nobody hears.
            stream.close()
