"""Voice activity for Pipecat."""

from __future__ import annotations

import duologue
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams

__all__ = ["DuologueVADAnalyzer"]


class DuologueVADAnalyzer(VADAnalyzer):
    """A detector: ``silero``, ``energy`` (which needs no model), or a file.

    By default soft speech counts as well (``min_volume`` is 0): the detector tells it from noise.
    """

    def __init__(
        self,
        *,
        name: str = "silero",
        offline: bool = False,
        sample_rate: int | None = None,
        params: VADParams | None = None,
    ) -> None:
        super().__init__(sample_rate=sample_rate, params=params or VADParams(min_volume=0.0))
        self._vad = duologue.Vad(name, offline=offline)
        self._stream: duologue.VadStream | None = None
        self._confidence = 0.0

    def set_sample_rate(self, sample_rate: int) -> None:
        super().set_sample_rate(sample_rate)
        self._stream = self._vad.stream(self.sample_rate)

    def num_frames_required(self) -> int:
        """Samples of a window: 32 ms."""
        return self.sample_rate * 32 // 1_000

    def voice_confidence(self, buffer: bytes) -> float:
        if self._stream is not None:
            for frame in self._stream.push_frames(buffer):
                self._confidence = frame.probability
        return self._confidence
