"""Mouth to ear of the room alone: from one Python SDK through the server to another, without any agent.

    transport.py [SECONDS]

Bursts of noise, a second apart; what a call with an agent takes beyond twice this is the agent's.
"""

import asyncio
import json
import os
import sys
import time

import numpy as np
from livekit import rtc

import livekit_test as lk

BURST = 0.05  # s
LEVEL = 0.05


async def mouth(room: rtc.Room, seconds: float, spoken: list) -> None:
    source = rtc.AudioSource(lk.RATE, 1, 0)
    track = rtc.LocalAudioTrack.create_audio_track("mouth", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)
    noise = np.random.default_rng(1).normal(0, 0.2, lk.FRAME)
    due = time.monotonic()
    for frame in range(int(seconds * 100)):
        sounds = frame % 100 < BURST * 100 and frame > 100
        if sounds and frame % 100 == 0:
            spoken.append(time.monotonic())
        pcm = ((noise if sounds else noise * 0) * 32767).astype("<i2")
        await source.capture_frame(rtc.AudioFrame(pcm.tobytes(), lk.RATE, 1, lk.FRAME))
        due += 0.01
        await asyncio.sleep(max(due - time.monotonic(), 0))


async def ear(track, heard: list) -> None:
    last = 0.0
    async for event in rtc.AudioStream(track, sample_rate=lk.RATE, num_channels=1, frame_size_ms=10):
        now = time.monotonic()
        samples = np.frombuffer(event.frame.data, "<i2") / 32768
        loud = np.flatnonzero(np.abs(samples) > LEVEL)
        if loud.size and now - last > 0.5:
            # The frame's last sample is now; the burst began where it is loud first.
            heard.append(now - (lk.FRAME - loud[0]) / lk.RATE)
            last = now


async def main(seconds: float) -> None:
    speaker, listener, spoken, heard, tasks = rtc.Room(), rtc.Room(), [], [], []
    listener.on("track_subscribed", lambda track, *_: tasks.append(asyncio.create_task(ear(track, heard))))
    name = f"transport-{os.getpid()}"
    await listener.connect(os.environ["LIVEKIT_URL"], lk.token(name, "ear"))
    await speaker.connect(os.environ["LIVEKIT_URL"], lk.token(name, "mouth"))
    await mouth(speaker, seconds, spoken)
    await asyncio.sleep(0.5)
    await speaker.disconnect()
    await listener.disconnect()
    waits = [1000 * (min(after) - at) for at in spoken if (after := [h for h in heard if 0 < h - at < 0.9])]
    p50, p95 = np.percentile(waits, [50, 95])
    print(json.dumps({"bursts": len(waits), "p50_ms": round(float(p50)), "p95_ms": round(float(p95))}))


if __name__ == "__main__":
    lk.require_server()
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20))
