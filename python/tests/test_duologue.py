"""The installed package, with the built-in models."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import wave

import duologue
import numpy
import pytest

SAID = "turn on the kitchen light"


@pytest.fixture(scope="module")
def tts():
    return duologue.Tts()


@pytest.fixture(scope="module")
def stt():
    return duologue.Stt()


@pytest.fixture(scope="module")
def speech(tts):
    return tts.synthesize(SAID)


def test_importing_loads_nothing():
    program = "import sys, duologue; sys.exit('duologue._duologue' in sys.modules or 'asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", program]).returncode == 0
    assert set(duologue.__all__) == set(dir(duologue))
    with pytest.raises(AttributeError, match="nothing"):
        duologue.nothing


def test_every_public_name_is_documented():
    for name in duologue.__all__:
        thing = getattr(duologue, name)
        assert getattr(thing, "__doc__", None), name
        for attribute, value in vars(thing).items() if isinstance(thing, type) else ():
            if callable(value) and not attribute.startswith("_"):
                assert value.__doc__, f"{name}.{attribute}"


def test_what_the_voice_says_is_heard(stt, speech):
    heard = stt.transcribe(speech, speech.sample_rate)
    assert "kitchen light" in heard.text
    assert [word.text for word in heard.words] == heard.text.split()
    assert all(0 <= word.start <= word.end <= speech.seconds + 0.1 for word in heard.words)


def test_bytes_and_arrays_are_the_same_sound(stt, speech):
    array = numpy.frombuffer(speech, dtype="<i2").astype(numpy.float32) / 32768
    assert stt.transcribe(array, speech.sample_rate) == stt.transcribe(speech, speech.sample_rate)
    assert stt.transcribe(bytearray(speech), speech.sample_rate) == stt.transcribe(speech, speech.sample_rate)


@pytest.mark.parametrize(
    ("sound", "error"),
    [(b"odd", ValueError), ("text", TypeError), ([0.5], TypeError), (numpy.zeros((2, 2), numpy.float32), ValueError)],
)
def test_what_is_no_sound_is_refused(stt, sound, error):
    with pytest.raises(error, match="sound"):
        stt.transcribe(sound, 16_000)


def test_not_a_number_does_not_spoil_what_follows(stt, speech):
    stream = stt.stream(speech.sample_rate)
    stream.push(numpy.full(1_600, numpy.nan, numpy.float32))
    stream.push(speech)
    assert "kitchen light" in stream.finish().text


def test_a_stream_hears_what_the_whole_says(stt, speech):
    stream = stt.stream(speech.sample_rate)
    partials = [stream.push(speech[at : at + 3_200]) for at in range(0, len(speech), 3_200)]
    whole = stream.finish()
    assert whole.text == stt.transcribe(speech, speech.sample_rate).text
    assert any(partials) and len(set(partials)) > 2
    with pytest.raises(duologue.Error, match="reset"):
        stream.push(speech)
    stream.reset()
    stream.push(speech)
    assert stream.finish() == whole


def test_speech_comes_in_chunks_that_make_up_the_whole(tts):
    text = "The door is open. The light is on. The music is off."
    with tts.stream(text) as stream:
        chunks = list(stream)
    assert len(chunks) >= 2
    assert b"".join(chunks) == tts.synthesize(text)
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.text.strip(".") for word in words] == text.replace(".", "").split()
    assert all(a.start < b.start for a, b in zip(words, words[1:]))
    assert chunks[0].sample_rate == tts.sample_rate and chunks[0].num_channels == 1


def test_a_closed_stream_ends_quietly(tts):
    stream = tts.stream("This sentence goes on and on. " * 100)
    assert next(stream)
    stream.close()
    assert list(stream) == []


def test_text_that_is_still_coming_is_spoken_as_the_whole_is(tts):
    text = "The door is open. The light is on. The music is off."

    async def main(close):
        stream = tts.stream_text()
        for word in text.split(" "):
            await stream.push(word + " ")
        if close:
            stream.close()
        else:
            stream.end()
        return [chunk async for chunk in stream]

    chunks = asyncio.run(main(close=False))
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.text.strip(".") for word in words] == text.replace(".", "").split()
    assert all(a.start < b.start for a, b in zip(words, words[1:]))
    assert abs(sum(chunk.seconds for chunk in chunks) - tts.synthesize(text).seconds) < 0.3
    assert asyncio.run(main(close=True)) == []


def test_a_detector_is_loaded_once(speech):
    vad = duologue.Vad()
    events = [vad.stream(speech.sample_rate).push(bytes(speech.sample_rate) + speech) for _ in range(50)]
    assert all(found == events[0] for found in events)


def test_a_cancelled_task_ends_the_synthesis(tts):
    async def main():
        task = asyncio.create_task(tts.synthesize_async("This sentence goes on and on. " * 400))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_the_loop_goes_on_while_it_computes(tts, stt):
    async def main():
        beats = 0

        async def beat():
            nonlocal beats
            while True:
                await asyncio.sleep(0.001)
                beats += 1

        heart = asyncio.create_task(beat())
        speech = await tts.synthesize_async("This sentence goes on and on. " * 20)
        await stt.transcribe_async(speech, speech.sample_rate)
        heart.cancel()
        return beats

    assert asyncio.run(main()) > 20


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: duologue.Tts("no-such-voice"), "no-such-voice"),
        (lambda: duologue.Stt("no-such-model"), "no-such-model"),
        (lambda: duologue.Stt(hotwords=["tintern"]), "recogniser.hotwords"),
        (lambda: duologue.Vad("no-such-detector"), "no-such-detector"),
        (lambda: duologue.Tts().synthesize("a", voice="nobody"), "nobody"),
        (lambda: duologue.Tts().synthesize("a", speed=9.0), "speed"),
        (lambda: duologue.Stt().transcribe(b"", 1), "1 Hz"),
    ],
)
def test_an_error_names_the_value(call, named):
    with pytest.raises(duologue.Error, match=named):
        call()


def test_speech_is_found_where_it_is(speech):
    vad = duologue.Vad()
    stream = vad.stream(speech.sample_rate)
    silence = bytes(speech.sample_rate * 2)
    events = stream.push(silence) + stream.push(speech) + stream.push(silence) + stream.finish()
    assert [event.type for event in events[:1] + events[-1:]] == ["speech_started", "speech_ended"]
    assert 0.5 < events[0].at < 1.3 and events[-1].at < 1.6 + speech.seconds


async def converse(pipeline, question, frames=400):
    """Pushes a question and silence in real time; the events until the agent has answered."""
    size = question.sample_rate // 100 * 2

    async def microphone():
        for at in range(0, frames * size, size):
            pipeline.push(bytes(question[at : at + size]).ljust(size, b"\0"))
            await asyncio.sleep(0.01)

    async def speakers():
        while True:
            await pipeline.pull()

    tasks = [asyncio.create_task(microphone()), asyncio.create_task(speakers())]
    events = []
    try:
        async with asyncio.timeout(30):
            async for event in pipeline.events():
                events.append(event)
                if event["type"] == "agent_turn":
                    return events
    finally:
        for task in tasks:
            task.cancel()
    raise AssertionError(events)


async def words(text):
    for word in ["The", "light", "is", "on."]:
        await asyncio.sleep(0)
        yield word + " "


async def later(text):
    await asyncio.sleep(0.01)
    return "The light is on."


@pytest.mark.parametrize(
    "on_turn", [lambda text: "The light is on.", lambda text: ["The light ", "is on."], words, later]
)
def test_a_spoken_question_is_answered(speech, on_turn):
    async def main():
        async with duologue.AudioPipeline(on_turn=on_turn, capture_rate=speech.sample_rate) as pipeline:
            return await converse(pipeline, speech)

    events = asyncio.run(main())
    asked = next(event for event in events if event["type"] == "user_turn")
    # In real time on a machine that others use too: a frame that came late is a word more.
    assert {"kitchen", "light"} <= set(asked["text"].split())
    assert events[-1]["end"] == "finished" and events[-1]["heard"].strip() == "The light is on."
    assert any(event["type"] == "partial_transcript" for event in events)


def test_an_agent_that_fails_does_not_end_the_conversation(speech):
    def fail(text):
        raise RuntimeError("no idea")

    async def main():
        async with duologue.AudioPipeline(on_turn=fail, capture_rate=speech.sample_rate) as pipeline:
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            pipeline.user_text("hello")
            async with asyncio.timeout(30):
                async for event in pipeline.events():
                    if event["type"] == "fault":
                        break
            handle = pipeline.say("It goes on.")
            player = asyncio.create_task(converse(pipeline, duologue.AudioChunk(b"", speech.sample_rate)))
            outcome = await handle.wait()
            player.cancel()
            return event, outcome, handle.heard

    event, outcome, heard = asyncio.run(main())
    assert "no idea" in event["fault"]
    assert (outcome, heard) == ("finished", "It goes on.")


def test_pipelines_leave_no_thread(speech):
    async def main():
        for _ in range(20):
            async with duologue.AudioPipeline(on_turn=words):
                pass

    asyncio.run(main())
    gc.collect()
    names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
    assert not [name for name in names if name.startswith(("duologue-", "paced"))], names
    assert threading.active_count() < 50


def test_an_interpreter_that_ends_in_the_midst_of_speech_does_not_hang():
    program = """
import asyncio, duologue
async def main():
    pipeline = duologue.AudioPipeline()
    await pipeline.start()
    pipeline.say("This sentence goes on and on and on.")
    await asyncio.sleep(0.2)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-I", "-c", program], timeout=60).returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_is_told_why_it_does_not_work():
    program = """
import os, duologue
tts = duologue.Tts()
child = os.fork()
if child == 0:
    try:
        tts.synthesize("hello")
    except duologue.Error as error:
        os._exit(7 if "fork" in str(error) else 1)
    os._exit(2)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-I", "-c", program], timeout=60).returncode == 7


def test_chunks_are_what_the_wave_module_writes(speech, tmp_path):
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setnchannels(speech.num_channels)
        file.setsampwidth(2)
        file.setframerate(speech.sample_rate)
        file.writeframes(speech)
    assert (tmp_path / "said.wav").stat().st_size == len(speech) + 44
