"""Duologue: an on-device voice pipeline. It hears, lets your agent think, and speaks, with no cloud.

    >>> import duologue
    >>> tts = duologue.Tts()                        # the built-in voice; loads nothing before
    >>> speech = tts.synthesize("What time is it?")
    >>> duologue.Stt().transcribe(speech, speech.sample_rate).text
    'what time is it'

Sound is mono: ``bytes`` of 16-bit little-endian samples, or a one-dimensional array of float32 within ±1.0.

The first use fetches the engines (32 MB, pinned by hash) through pip, once; ``offline=True`` opens no socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "AudioChunk",
    "AudioPipeline",
    "Error",
    "Event",
    "Heard",
    "Listener",
    "SayHandle",
    "SpeechStream",
    "Stt",
    "SttStream",
    "TextStream",
    "Transcript",
    "Tts",
    "Vad",
    "VadEvent",
    "VadFrame",
    "VadStream",
    "Word",
]

if TYPE_CHECKING:
    from ._engine import Error
    from ._listener import Heard, Listener
    from ._pipeline import AudioPipeline, Event, SayHandle
    from ._stt import Stt, SttStream, Transcript, Word
    from ._tts import AudioChunk, SpeechStream, TextStream, Tts
    from ._vad import Vad, VadEvent, VadFrame, VadStream

_HOMES = {
    "Error": "_engine",
    "Heard": "_listener",
    "Listener": "_listener",
    "AudioPipeline": "_pipeline",
    "Event": "_pipeline",
    "SayHandle": "_pipeline",
    "Stt": "_stt",
    "SttStream": "_stt",
    "Transcript": "_stt",
    "Word": "_stt",
    "AudioChunk": "_tts",
    "SpeechStream": "_tts",
    "TextStream": "_tts",
    "Tts": "_tts",
    "Vad": "_vad",
    "VadEvent": "_vad",
    "VadFrame": "_vad",
    "VadStream": "_vad",
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for, when it is: importing the package costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'duologue' has no {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
