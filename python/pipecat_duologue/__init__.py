"""Duologue for Pipecat: a recogniser, a voice and voice activity, all on this machine.

    stt, tts = DuologueSTTService(), DuologueTTSService()
    aggregators = LLMContextAggregatorPair(
        context, user_params=LLMUserAggregatorParams(vad_analyzer=DuologueVADAnalyzer())
    )

Models are those of the package ``duologue``, by the same names; they are loaded when the pipeline starts.
"""

from .stt import DuologueSTTService
from .tts import DuologueTTSService
from .vad import DuologueVADAnalyzer

__all__ = ["DuologueSTTService", "DuologueTTSService", "DuologueVADAnalyzer"]
