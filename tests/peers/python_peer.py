"""A caller on LiveKit's Python SDK: three questions, an interruption, a typed one.

    python_peer.py ROOM OUT_DIR

It reacts as people do: it asks when the agent is silent, and cuts in while it speaks. OUT_DIR then holds what it
said and heard (`said.wav`, `heard.wav`: 48 kHz, one clock) and `events.jsonl` (`t` in seconds of both files).
"""

import asyncio
import json
import logging
import os
import pathlib
import sys
import time

import numpy as np
from livekit import rtc

import livekit_test as lk

VOICE = 0.004  # RMS of 10 ms that is the agent's voice
PAUSE_S = 0.9  # silence after which the agent has said what it had to say
ANSWER_S = 15  # longest wait for an answer to begin
SPEECH_S = 60  # longest answer
CUT_IN_S = 2.0  # into the answer that is interrupted


class Caller:
    def __init__(self, out: pathlib.Path):
        out.mkdir(parents=True, exist_ok=True)
        logging.basicConfig(filename=out / "sdk.log")
        self.room = rtc.Room()
        self.out = out
        self.start = time.monotonic()
        self.said = []
        self.heard = np.zeros(0)
        self.pieces = []
        self.events = []
        self.to_say = []
        self.last_voice = 0.0
        self.first_voice = None
        self.tasks = set()
        self.agent = asyncio.Event()

    def now(self) -> float:
        return time.monotonic() - self.start

    def note(self, kind: str, **details) -> None:
        self.events.append({"t": round(self.now(), 4), "kind": kind, **details})

    def spawn(self, work) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def join(self, name: str, url: str = "") -> None:
        room = self.room
        room.on("track_subscribed", lambda track, *_: self.spawn(self.listen(track)))
        room.on("participant_attributes_changed", self.state)
        room.on("data_received", self.data)
        room.on("transcription_received", lambda pieces, *_: self.note("legacy", text=[p.text for p in pieces]))
        room.on("reconnecting", lambda: self.note("reconnecting"))
        room.on("reconnected", lambda: self.note("reconnected"))
        room.on("disconnected", lambda reason: self.note("disconnected", reason=int(reason)))
        room.register_text_stream_handler("lk.transcription", lambda *args: self.spawn(self.words(*args)))
        await room.connect(url or os.environ["LIVEKIT_URL"], lk.token(name, "caller"))
        self.start = time.monotonic()
        source = rtc.AudioSource(lk.RATE, 1, 0)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await room.local_participant.publish_track(track, options)
        self.spawn(self.speak(source))

    def state(self, changed, participant) -> None:
        if "lk.agent.state" in changed:
            self.note("state", value=changed["lk.agent.state"])

    def data(self, packet) -> None:
        try:
            self.note("data", message=json.loads(packet.data))
        except ValueError:
            self.note("data", bytes=len(packet.data))

    async def words(self, reader, identity: str) -> None:
        attributes = reader.info.attributes
        segment, text = attributes.get("lk.segment_id"), ""
        who = "you" if identity == self.room.local_participant.identity else "agent"
        try:
            async for piece in reader:
                text += piece
                self.note("segment", who=who, id=segment, text=text, final=False)
        except Exception as error:  # of the SDK: whoever wrote is gone
            self.note("segment broken", id=segment, why=str(error))
        final = reader.info.attributes.get("lk.transcription_final")
        self.note("segment", who=who, id=segment, text=text, final=final == "true")

    async def speak(self, source) -> None:
        """The microphone: a frame each 10 ms, silence unless there is something to say."""
        due = time.monotonic()
        silence = np.zeros(lk.FRAME)
        while True:
            samples = self.to_say.pop(0) if self.to_say else silence
            self.said.append((self.now(), samples))
            pcm = (samples * 32767).astype("<i2")
            await source.capture_frame(rtc.AudioFrame(pcm.tobytes(), lk.RATE, 1, lk.FRAME))
            due = max(due + 0.01, time.monotonic() - 0.1)
            await asyncio.sleep(max(due - time.monotonic(), 0))

    async def listen(self, track) -> None:
        if track.kind != rtc.TrackKind.KIND_AUDIO:
            return
        self.agent.set()
        stream = rtc.AudioStream(track, sample_rate=lk.RATE, num_channels=1, frame_size_ms=10)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, "<i2") / 32768
            now = self.now()
            self.pieces.append((now, samples))
            if np.sqrt(np.mean(samples**2)) > VOICE:
                self.last_voice = now
                self.first_voice = self.first_voice or now

    async def say(self, name: str) -> None:
        self.note("says", line=name)
        clip = lk.line(name)
        clip = np.pad(clip, (0, -len(clip) % lk.FRAME))
        self.to_say.extend(clip.reshape(-1, lk.FRAME))
        while self.to_say:
            await asyncio.sleep(0.01)

    async def until(self, what: str, condition, seconds: float) -> None:
        end = self.now() + seconds
        while not condition():
            if self.now() > end:
                raise TimeoutError(f"{what}: not within {seconds} s")
            await asyncio.sleep(0.01)

    async def answer(self, what: str) -> None:
        """Waits until the agent has begun, and has ended."""
        await self.until(f"an answer to {what}", lambda: self.first_voice is not None, ANSWER_S)
        await self.until(f"the end of the answer to {what}", lambda: self.now() - self.last_voice > PAUSE_S, SPEECH_S)
        self.first_voice = None

    async def converse(self) -> None:
        await asyncio.wait_for(self.agent.wait(), 30)
        await self.answer("the greeting")
        for name in lk.QUESTIONS[:-1]:
            await self.say(name)
            await self.answer(name)
        await self.say(lk.QUESTIONS[-1])
        begun = lambda: self.first_voice is not None and self.now() - self.first_voice > CUT_IN_S
        await self.until("an answer to cut off", begun, ANSWER_S)
        self.note("cuts in")
        await self.say(lk.INTERRUPTION)
        await self.until("silence after cutting in", lambda: self.now() - self.last_voice > 0.15, 5)
        self.first_voice = None
        await self.answer(lk.INTERRUPTION)
        self.note("types", text=lk.TYPED)
        await self.room.local_participant.send_text(lk.TYPED, topic="lk.chat")
        await self.answer(lk.TYPED)
        await asyncio.sleep(0.5)

    def save(self) -> None:
        lk.write_wav(self.out / "said.wav", placed(self.said))
        lk.write_wav(self.out / "heard.wav", placed(self.pieces))
        with open(self.out / "events.jsonl", "w") as file:
            for event in self.events:
                print(json.dumps(event), file=file)


def placed(pieces) -> np.ndarray:
    """Frames where they came, on one line: they follow each other unless more than 60 ms went by."""
    if not pieces:
        return np.zeros(0)
    out = np.zeros(int((pieces[-1][0] + 1) * lk.RATE) + lk.RATE)
    end = 0
    for at, samples in pieces:
        arrived = max(int(at * lk.RATE), 0)
        begin = arrived if arrived - end > 0.06 * lk.RATE else end
        out[begin : begin + len(samples)] = samples
        end = begin + len(samples)
    return out[:end]


async def main(room: str, out: str) -> None:
    caller = Caller(pathlib.Path(out))
    await caller.join(room)
    try:
        await asyncio.wait_for(caller.converse(), 180)
    finally:
        caller.save()
        await caller.room.disconnect()


if __name__ == "__main__":
    lk.require_server()
    asyncio.run(main(*sys.argv[1:3]))
