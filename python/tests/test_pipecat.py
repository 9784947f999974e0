"""The services under Pipecat's own pipeline: no transport of anybody's, no cloud."""

import asyncio
import time

import duologue
import pytest

pytest.importorskip("pipecat")

from pipecat.frames.frames import (  # noqa: E402
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # noqa: E402
from pipecat.processors.aggregators.llm_context import LLMContext  # noqa: E402
from pipecat.processors.aggregators.llm_response_universal import (  # noqa: E402
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameProcessor  # noqa: E402
from pipecat.transports.base_input import BaseInputTransport  # noqa: E402
from pipecat.transports.base_output import BaseOutputTransport  # noqa: E402
from pipecat.transports.base_transport import TransportParams  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402
from pipecat_duologue import DuologueSTTService, DuologueTTSService, DuologueVADAnalyzer  # noqa: E402

SAID = "turn on the kitchen light"
ANSWER = ["The light is on. ", "The door is open."]
RATE = 24_000


class Microphone(BaseInputTransport):
    """Gives a recording in real time, then silence."""

    def __init__(self, pcm):
        super().__init__(TransportParams(audio_in_enabled=True, audio_in_sample_rate=RATE))
        self._pcm, self._task = pcm, None

    async def start(self, frame):
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._task = asyncio.create_task(self._give())

    async def _give(self):
        size, due = RATE // 50 * 2, time.monotonic()
        for at in range(0, 10 * RATE * 2, size):
            block = self._pcm[at : at + size].ljust(size, b"\0")
            await self.push_audio_frame(InputAudioRawFrame(block, RATE, 1))
            due += 0.02
            await asyncio.sleep(max(due - time.monotonic(), 0))

    async def cleanup(self):
        if self._task:
            self._task.cancel()
        await super().cleanup()


class Speakers(BaseOutputTransport):
    """Plays in real time."""

    def __init__(self):
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=RATE))
        self.played = bytearray()

    async def start(self, frame):
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame):
        self.played += frame.audio
        await asyncio.sleep(len(frame.audio) / 2 / RATE)
        return True


class Model(FrameProcessor):
    """Says the same to everything."""

    def __init__(self):
        super().__init__()
        self.asked = []

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        self.asked.append(frame.context.messages[-1]["content"])
        await self.push_frame(LLMFullResponseStartFrame())
        for text in ANSWER:
            await self.push_frame(LLMTextFrame(text))
        await self.push_frame(LLMFullResponseEndFrame())


class Watch(FrameProcessor):
    """Notes the transcripts that pass."""

    def __init__(self):
        super().__init__()
        self.partial, self.final = [], []

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, InterimTranscriptionFrame):
            self.partial.append(frame.text)
        elif isinstance(frame, TranscriptionFrame):
            self.final.append(frame.text)
        await self.push_frame(frame, direction)


def test_a_pipeline_hears_thinks_and_speaks_on_it():
    speech = duologue.Tts().synthesize(SAID)

    async def main():
        context = LLMContext([])
        aggregators = LLMContextAggregatorPair(
            context, user_params=LLMUserAggregatorParams(vad_analyzer=DuologueVADAnalyzer())
        )
        speakers, model, watch = Speakers(), Model(), Watch()
        pipeline = Pipeline(
            [
                Microphone(bytes(RATE) + bytes(speech)),
                DuologueSTTService(),
                watch,
                aggregators.user(),
                model,
                DuologueTTSService(),
                speakers,
                aggregators.assistant(),
            ]
        )
        params = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
        worker = PipelineWorker(pipeline, params=params, enable_rtvi=False)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        running = asyncio.create_task(runner.run())
        for _ in range(300):
            await asyncio.sleep(0.1)
            if len(speakers.played) > 2 * RATE * 2:
                break
        await worker.cancel()
        await asyncio.wait_for(running, 20)
        return watch, model, speakers

    watch, model, speakers = asyncio.run(main())
    assert {"kitchen", "light"} <= set(" ".join(watch.final).split()), watch.final
    assert watch.partial, "no words while somebody speaks"
    assert model.asked and "kitchen" in str(model.asked[0])
    assert any(speakers.played), "the answer was silent"
