"""Duologue for LiveKit Agents: a recogniser, a voice and voice activity, all on this machine.

    session = AgentSession(stt=duologue.STT(), tts=duologue.TTS(), vad=duologue.VAD.load(), llm=…)

Models are those of the package ``duologue``, by the same names; they are loaded at the first use, or by ``prewarm()``.
"""

from __future__ import annotations

from livekit.agents import Plugin

from .log import logger
from .stt import STT, SpeechStream
from .tts import TTS, ChunkedStream, SynthesizeStream
from .vad import VAD, VADStream
from .version import __version__

__all__ = ["STT", "TTS", "VAD", "ChunkedStream", "SpeechStream", "SynthesizeStream", "VADStream", "__version__"]


class DuologuePlugin(Plugin):
    """What ``python agent.py download-files`` asks: fetches the engines and the built-in models' files."""

    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)

    def download_files(self) -> None:
        import duologue

        duologue.Tts()
        duologue.Stt()
        duologue.Vad()


Plugin.register_plugin(DuologuePlugin())
