"""Speech to text for Pipecat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import duologue
from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    StartFrame,
    TranscriptionFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601

__all__ = ["DuologueSTTService"]


class DuologueSTTService(STTService):
    """A recogniser by name (``duologue models list``), or a directory.

    Words so far go downstream while somebody speaks; the transcript follows a pause of ``pause`` seconds, or at once
    when the pipeline's detector says that the user has stopped. ``hotwords`` are phrases to prefer; they need a
    streaming transducer.
    """

    def __init__(
        self,
        *,
        model: str = "builtin",
        vad: str = "silero",
        pause: float = 0.3,
        hotwords: Sequence[str] = (),
        offline: bool = False,
        **kwargs: Any,
    ) -> None:
        # The transcript is there some 20 ms after the detector's own wait of 0.2 s.
        settings = STTSettings(model=model, language=Language.EN)
        super().__init__(**{"ttfs_p99_latency": 0.35, "settings": settings} | kwargs)
        self._loading = (model, vad, tuple(hotwords), offline)
        self._pause = pause
        self._models: tuple[duologue.Stt, duologue.Vad] | None = None
        self._listener: duologue.Listener | None = None

    def can_generate_metrics(self) -> bool:
        return True

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)

        def load() -> tuple[duologue.Stt, duologue.Vad]:
            model, vad, hotwords, offline = self._loading
            return duologue.Stt(model, offline=offline, hotwords=hotwords), duologue.Vad(vad, offline=offline)

        if self._models is None:
            self._models = await asyncio.to_thread(load)
        self._begin()

    def _begin(self) -> None:
        if self._models is not None:
            stt, vad = self._models
            self._listener = duologue.Listener(stt, vad, rate=self.sample_rate, pause=self._pause)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        if self._listener is None:
            return
        for heard in await asyncio.to_thread(self._listener.push, audio):
            frame = self._frame(heard)
            if frame is not None:
                yield frame

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame) and self._listener is not None:
            self.request_finalize()
            listener = self._listener
            self._begin()
            for heard in await asyncio.to_thread(listener.finish):
                final = self._frame(heard)
                if isinstance(final, TranscriptionFrame):
                    self.confirm_finalize()
                if final is not None:
                    await self.push_frame(final)

    def _frame(self, heard: duologue.Heard) -> Frame | None:
        if not heard.text:
            return None
        kind = InterimTranscriptionFrame if heard.type == "partial" else TranscriptionFrame
        return kind(heard.text, self._user_id, time_now_iso8601(), Language.EN)
