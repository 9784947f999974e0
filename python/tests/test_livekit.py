"""The plugin under LiveKit's own agent session: no room, no server, no cloud."""

import asyncio
import contextlib
import time

import duologue
import pytest

agents = pytest.importorskip("livekit.agents")

from livekit import rtc  # noqa: E402
from livekit.agents import llm, stt, vad, voice  # noqa: E402
from livekit.plugins import duologue as plugin  # noqa: E402

SAID = "turn on the kitchen light"
ANSWER = "The light is on. The door is open."


@pytest.fixture(scope="module")
def speech():
    return duologue.Tts().synthesize(SAID)


def frames(chunk, silence_s=0.0):
    """Frames of 10 ms, and silence after them."""
    size = chunk.sample_rate // 100 * 2
    pcm = bytes(chunk) + bytes(int(silence_s * chunk.sample_rate) * 2)
    for at in range(0, len(pcm), size):
        yield rtc.AudioFrame(pcm[at : at + size].ljust(size, b"\0"), chunk.sample_rate, 1, size // 2)


async def hear(recogniser, sound, flush=False):
    stream = recogniser.stream()
    for frame in sound:
        stream.push_frame(frame)
    if flush:
        stream.flush()
        for _ in range(3):
            stream.push_frame(rtc.AudioFrame(bytes(480), 24_000, 1, 240))
    stream.end_input()
    return [event async for event in stream]


def test_a_segment_has_its_events_in_order(speech):
    events = asyncio.run(hear(plugin.STT(), frames(speech, 1.0)))
    kinds = [event.type.value for event in events]
    assert kinds[0] == "start_of_speech" and kinds.count("final_transcript") == 1
    assert kinds.index("interim_transcript") < kinds.index("preflight_transcript") < kinds.index("final_transcript")
    assert kinds.index("final_transcript") < kinds.index("end_of_speech") < kinds.index("recognition_usage")
    final = next(event for event in events if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT).alternatives[0]
    assert "kitchen light" in final.text and final.language == "en"
    assert [str(word) for word in final.words] == final.text.split()
    assert all(word.start_time <= word.end_time <= speech.seconds + 1.1 for word in final.words)


def test_a_flush_ends_the_segment_at_once(speech):
    events = asyncio.run(hear(plugin.STT(), frames(speech), flush=True))
    finals = [event for event in events if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT]
    assert len(finals) == 1 and "kitchen light" in finals[0].alternatives[0].text


def test_a_recording_is_recognised_whole(speech):
    event = asyncio.run(plugin.STT().recognize(list(frames(speech, 0.5))))
    assert "kitchen light" in event.alternatives[0].text


def test_speech_of_a_text_and_of_its_tokens_is_the_same():
    async def main():
        speaker = plugin.TTS()
        whole = [audio async for audio in speaker.synthesize(ANSWER)]
        stream = speaker.stream()
        for token in ANSWER.split(" "):
            stream.push_text(token + " ")
        stream.end_input()
        parts = [audio async for audio in stream]
        return whole, parts

    whole, parts = asyncio.run(main())
    length = [sum(audio.frame.duration for audio in some) for some in (whole, parts)]
    assert length[0] > 1.5 and abs(length[0] - length[1]) < 0.3, length
    assert parts[-1].is_final


def test_blank_text_is_no_error():
    async def main():
        stream = plugin.TTS().stream()
        stream.push_text("  ")
        stream.end_input()
        return [audio async for audio in stream]

    assert sum(audio.frame.duration for audio in asyncio.run(main())) < 0.1


def test_what_cannot_be_loaded_is_an_error_that_is_not_tried_again():
    async def main():
        async for _ in plugin.TTS("no-such-voice").synthesize("hello"):
            pass

    with pytest.raises(agents.APIConnectionError, match="no-such-voice"):
        asyncio.run(main())


def test_voice_activity_gives_the_sound_of_the_speech(speech):
    async def main():
        stream = plugin.VAD.load().stream()
        for frame in frames(duologue.AudioChunk(bytes(speech.sample_rate), speech.sample_rate)):
            stream.push_frame(frame)
        for frame in frames(speech, 1.0):
            stream.push_frame(frame)
        stream.end_input()
        return [event async for event in stream]

    events = asyncio.run(main())
    edges = [event for event in events if event.type != vad.VADEventType.INFERENCE_DONE]
    assert [edge.type.value for edge in edges][:1] == ["start_of_speech"]
    assert edges[-1].type == vad.VADEventType.END_OF_SPEECH
    spoken = sum(edge.frames[0].duration for edge in edges if edge.type == vad.VADEventType.END_OF_SPEECH)
    assert 0.7 * speech.seconds < spoken < speech.seconds + 0.8
    assert all(0 <= event.probability <= 1 for event in events)


class Microphone(voice.io.AudioInput):
    """Gives frames in real time, then silence."""

    def __init__(self, sound):
        super().__init__(label="test")
        self._frames, self._due = list(sound), time.monotonic()

    async def __anext__(self):
        self._due += 0.01
        await asyncio.sleep(max(self._due - time.monotonic(), 0))
        return self._frames.pop(0) if self._frames else rtc.AudioFrame(bytes(480), 24_000, 1, 240)


class Speakers(voice.io.AudioOutput):
    """Plays in real time."""

    def __init__(self):
        capabilities = voice.io.AudioOutputCapabilities(pause=False)
        super().__init__(label="test", capabilities=capabilities, sample_rate=24_000)
        self.played = self._queued = 0.0
        self._playing = None

    async def capture_frame(self, frame):
        await super().capture_frame(frame)
        if self._queued == 0.0:
            self.on_playback_started(created_at=time.time())
        self._queued += frame.duration

    def flush(self):
        super().flush()
        if self._queued:
            self._playing = asyncio.create_task(self._play(self._queued))
            self._queued = 0.0

    async def _play(self, seconds):
        await asyncio.sleep(seconds)
        self.played += seconds
        self.on_playback_finished(playback_position=seconds, interrupted=False)

    def clear_buffer(self):
        if self._playing and not self._playing.done():
            self._playing.cancel()
            self.on_playback_finished(playback_position=0.1, interrupted=True)
        self._queued = 0.0


class Model(llm.LLM):
    """Says the same to everything, word by word."""

    def chat(self, *, chat_ctx, tools=None, conn_options=agents.DEFAULT_API_CONNECT_OPTIONS, **_):
        return Words(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


class Words(llm.LLMStream):
    async def _run(self):
        for word in ANSWER.split(" "):
            delta = llm.ChoiceDelta(role="assistant", content=word + " ")
            self._event_ch.send_nowait(llm.ChatChunk(id="test", delta=delta))


def test_a_session_hears_thinks_and_speaks_on_it(speech):
    async def main():
        session = agents.AgentSession(
            stt=plugin.STT(), tts=plugin.TTS(), vad=plugin.VAD.load(), llm=Model(), aec_warmup_duration=None
        )
        heard, said, done = [], [], asyncio.Event()

        @session.on("user_input_transcribed")
        def _(event):
            if event.is_final:
                heard.append(event.transcript)

        @session.on("conversation_item_added")
        def _(event):
            if getattr(event.item, "role", None) == "assistant":
                said.append(event.item.text_content)
                done.set()

        session.input.audio, session.output.audio = Microphone(frames(speech)), Speakers()
        await session.start(agents.Agent(instructions="You answer."), record=False)
        speakers = session.output.audio
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                await done.wait()
        await session.aclose()
        return heard, said, speakers.played

    heard, said, played = asyncio.run(main())
    assert "kitchen light" in " ".join(heard), heard
    assert said and said[0].split() == ANSWER.split(), said
    assert played > 1.5, played
