"""The published clients of stella-ai-agent-sdk against `duologue stella`: stella_client.py PROGRAM."""

import asyncio
import re
import subprocess
import sys
import time

import grpc
from stella_agent_sdk._grpc import stt_pb2, stt_pb2_grpc, tts_pb2, tts_pb2_grpc
from stella_agent_sdk.services.stt_client import STTClient
from stella_agent_sdk.services.tts_client import TTSClient

SAID = "turn on the kitchen light"
RATE = 24_000


def serve(program):
    """The running server and its two addresses."""
    process = subprocess.Popen(
        [program, "stella", "--stt-port", "0", "--tts-port", "0"], stdout=subprocess.PIPE, text=True
    )
    addresses = [re.fullmatch(r"\w+_SERVICE_ADDRESS=(\S+)\n", process.stdout.readline()).group(1) for _ in "12"]
    return process, *addresses


async def speak(address):
    client = TTSClient(address)
    await client.connect()
    began = time.monotonic()
    chunks, first = [], None
    async for chunk in client.synthesize_stream(SAID, "session"):
        first = first or time.monotonic() - began
        chunks.append(chunk)
    speech = b"".join(chunk if isinstance(chunk, bytes) else chunk.audio_data for chunk in chunks)
    assert len(speech) > RATE, len(speech)
    await client.disconnect()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = tts_pb2_grpc.TextToSpeechStub(channel)
        raw = [chunk async for chunk in stub.SynthesizeStream(tts_pb2.SynthesizeRequest(text=SAID))]
        assert [chunk.chunk_index for chunk in raw] == list(range(len(raw)))
        assert [chunk.is_final for chunk in raw] == [False] * (len(raw) - 1) + [True]
        assert all(len(chunk.audio_data) == 960 for chunk in raw[:-1])
        whole = await stub.Synthesize(tts_pb2.SynthesizeRequest(text=SAID, speed=1.5))
        assert 0 < whole.duration_ms < len(speech) / 2 / RATE * 1000 and whole.sample_rate > 0
        assert (await stub.HealthCheck(tts_pb2.Empty())).healthy
        assert (await stub.Warmup(tts_pb2.WarmupRequest())).success
        for wrong in [{"text": " "}, {"text": "a", "voice": "nobody"}, {"text": "a", "speed": 9}]:
            try:
                await stub.Synthesize(tts_pb2.SynthesizeRequest(**wrong))
                raise AssertionError(wrong)
            except grpc.aio.AioRpcError as error:
                assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        # A barge-in: the client cancels the call, and the server is there for the next.
        call = stub.SynthesizeStream(tts_pb2.SynthesizeRequest(text="This goes on and on. " * 200))
        async for _ in call:
            call.cancel()
            break
    return speech, first


def doubled(speech):
    """As LiveKit gives it: 48 kHz."""
    return b"".join(speech[at : at + 2] * 2 for at in range(0, len(speech), 2))


async def chunks(speech):
    for at in range(0, len(speech), 1_920):
        yield speech[at : at + 1_920]
        await asyncio.sleep(0)


async def hear(address, speech):
    client = STTClient(address)
    await client.connect()
    sound = doubled(bytes(RATE) + speech)
    # No silence follows: half-closing the stream ends the utterance.
    events = [event async for event in client.stream_transcribe(chunks(sound), "session", "ann")]
    assert events[0].speech_started and not events[0].text, events[0]
    assert len({event.transcript_id for event in events}) == 1
    assert all(event.participant_id == "ann" and event.timestamp_ms > 0 for event in events)
    kinds = [
        "started" if e.speech_started else "confirmed" if e.speech_confirmed else "ended" if e.speech_ended else "text"
        for e in events
    ]
    assert kinds.count("started") == kinds.count("confirmed") == kinds.count("ended") == 1, kinds
    assert kinds.index("confirmed") < kinds.index("ended"), kinds
    final = events[-1]
    assert final.is_final and "kitchen light" in final.text, final
    assert final.detected_language == "en" and final.speech_ms > 500 and final.decode_ms is not None
    assert sum(event.is_final for event in events) == 1 and len(events) > 5
    two = sound + bytes(48_000 * 2 * 2) + doubled(speech) + bytes(48_000 * 2)
    events = [event async for event in client.stream_transcribe(chunks(two), "session", "ann")]
    assert sum(event.is_final for event in events) == 2
    assert len({event.transcript_id for event in events}) == 2
    await client.disconnect()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = stt_pb2_grpc.SpeechToTextStub(channel)
        again = await stub.Redecode(stt_pb2.RedecodeRequest(audio_data=speech, sample_rate=RATE))
        assert "kitchen light" in again.text
        assert (await stub.HealthCheck(stt_pb2.Empty())).model_status == "loaded"
        silent = stub.StreamTranscribe(iter([stt_pb2.AudioChunk(audio_data=bytes(32_000))]))
        assert [event async for event in silent] == []
        for wrong in [{"audio_data": b"odd"}, {"audio_data": b"", "sample_rate": 7}]:
            try:
                [event async for event in stub.StreamTranscribe(iter([stt_pb2.AudioChunk(**wrong)]))]
                raise AssertionError(wrong)
            except grpc.aio.AioRpcError as error:
                assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error


async def main():
    process, stt, tts = serve(sys.argv[1])
    try:
        speech, first = await speak(tts)
        await hear(stt, speech)
        await asyncio.gather(*(hear(stt, speech) for _ in range(3)))
        process.terminate()
        assert process.wait(60) == 0, "it did not end well at SIGTERM"
        print(f"STELLA's clients were served; first chunk after {first * 1000:.0f} ms")
    finally:
        process.kill()


asyncio.run(main())
