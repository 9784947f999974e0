#!/usr/bin/env python3
"""Home Assistant's side of Wyoming: its library asks the program for everything that the integration asks for.

    python wyoming_client.py PROGRAM

Starts `PROGRAM wyoming` on a free port, and ends it by SIGTERM. Every step waits 30 s at most.
"""

import asyncio
import json
import signal
import sys
import wave
from pathlib import Path

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop, wav_to_chunks
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info, SelectProgram
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, NotDetected

CALLER = Path(__file__).resolve().parents[2] / "models" / "builtin" / "caller"
PATIENCE = 30
# Home Assistant's own.
DESCRIBE_PATIENCE = 1


async def read(client, last, patience=PATIENCE):
    """Events up to the first of the class `last`."""

    async def until():
        events = []
        while True:
            event = await client.read_event()
            assert event is not None, f"closed before {last.__name__}: {[e.type for e in events]}"
            events.append(event)
            if last.is_type(event.type):
                return events

    return await asyncio.wait_for(until(), patience)


def of(events, kind):
    return [kind.from_event(event) for event in events if kind.is_type(event.type)]


def recording(name):
    with wave.open(str(CALLER / f"{name}.wav"), "rb") as file:
        return list(wav_to_chunks(file, 1024, start_event=True, stop_event=True))


async def transcribe(port, sound):
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Transcribe(language="en").event())
        for event in sound:
            await client.write_event(event.event())
        events = await read(client, TranscriptStop)
    assert TranscriptStart.is_type(events[0].type), events[0].type
    text = of(events, Transcript)[0].text
    chunks = of(events, TranscriptChunk)
    assert "".join(chunk.text for chunk in chunks) == text, (chunks, text)
    return text, len(chunks)


def again(chunks):
    """Chunks of speech as they were sent, to be heard again."""
    yield AudioStart(rate=chunks[0].rate, width=chunks[0].width, channels=chunks[0].channels)
    yield from chunks
    yield AudioStop()


async def describe(port):
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Describe().event())
        info = of(await read(client, Info, DESCRIBE_PATIENCE), Info)[0]
    asr, tts = info.asr[0], info.tts[0]
    assert asr.installed and asr.models[0].installed and asr.models[0].languages == ["en"]
    assert asr.supports_transcript_streaming and tts.supports_synthesize_streaming
    assert [voice.name for voice in tts.voices], "no voices"
    return info


async def hears(port):
    for name, wanted in [
        ("what-time-is-it", "what time is it"),
        ("turn-on-the-kitchen-lights", "turn on the kitchen lights"),
    ]:
        text, chunks = await transcribe(port, recording(name))
        assert text == wanted, text
        print(f"heard {text!r} in {chunks} chunks")
    both = await asyncio.gather(*(transcribe(port, recording("what-time-is-it")) for _ in range(4)))
    assert all(text == "what time is it" for text, _ in both), both
    print("heard four at once")


async def speaks(port):
    text = "Turn on the kitchen lights. Set a timer for ten minutes."
    voice = SynthesizeVoice(name="rms")
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(Synthesize(text, voice=voice).event())
        whole = of(await read(client, AudioStop), AudioChunk)
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(SynthesizeStart(voice=voice).event())
        for word in text.split(" "):
            await client.write_event(SynthesizeChunk(word + " ").event())
        # As Home Assistant does, for servers that know no streams.
        await client.write_event(Synthesize(text, voice=voice).event())
        await client.write_event(SynthesizeStop().event())
        events = await read(client, SynthesizeStopped)
    streamed = of(events, AudioChunk)
    assert len(of(events, AudioStart)) == len(of(events, AudioStop)) == 1
    for name, chunks in [("whole", whole), ("streamed", streamed)]:
        heard, _ = await transcribe(port, again(chunks))
        seconds = sum(chunk.seconds for chunk in chunks)
        assert heard == "turn on the kitchen lights set a timer for ten minutes", (name, heard)
        print(f"said {seconds:.2f} s, {name}, in {len(chunks)} chunks; heard {heard!r}")


async def tells_voice(port):
    async with AsyncTcpClient("127.0.0.1", port) as client:
        for event in recording("what-time-is-it"):
            await client.write_event(event.event())
        events = await read(client, VoiceStopped)
    started, stopped = of(events, VoiceStarted)[0], of(events, VoiceStopped)[-1]
    assert 0 <= started.timestamp < stopped.timestamp < 5_000, (started, stopped)
    print(f"voice from {started.timestamp} to {stopped.timestamp} ms")


async def errs(port):
    async with AsyncTcpClient("127.0.0.1", port) as client:
        await client.write_event(SelectProgram("duologue").event())
        await client.write_event(Synthesize("hi", voice=SynthesizeVoice(name="nobody")).event())
        error = of(await read(client, AudioStop), Error)[0]
        assert error.code == "unknown-name" and "nobody" in error.text, error
        await client.write_event(Detect().event())
        for event in recording("yes"):
            await client.write_event(event.event())
        assert of(await read(client, NotDetected), Error)[0].code == "unsupported"
        await client.write_event(Event("of-a-later-version", {"a": 1}, b"bytes"))
        await client.write_event(Ping("still there?").event())
        assert of(await read(client, Pong), Pong)[0].text == "still there?"
    print(f"errors are told, and the connection stays: {error.text}")


async def main(program):
    server = await asyncio.create_subprocess_exec(
        program, "--json", "wyoming", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        line = await asyncio.wait_for(server.stdout.readline(), PATIENCE)
        port = int(json.loads(line)["address"].rpartition(":")[2])
        # At once, while the models are being loaded.
        await describe(port)
        await hears(port)
        info = await describe(port)
        print("voices:", ", ".join(voice.name for voice in info.tts[0].voices))
        await speaks(port)
        await tells_voice(port)
        await errs(port)
        server.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(server.wait(), PATIENCE)
        assert status == 0, f"it ended with {status}"
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()
    print("ok")


asyncio.run(main(sys.argv[1]))
