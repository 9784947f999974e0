"""What the peers' scripts share: tokens, recordings, and the caller's lines."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import sys
import time
import wave

import numpy as np

RATE = 48_000
FRAME = RATE // 100
ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLER = ROOT / "models" / "builtin" / "caller"

# What the caller does: three questions, an interruption of the third answer, a typed one.
QUESTIONS = ["what-time-is-it", "turn-on-the-kitchen-lights", "tell-me-a-story"]
INTERRUPTION = "stop-what-time-is-it"
TYPED = "what is your name"


def token(room: str, identity: str, lifetime_s: int = 3600, **grants) -> str:
    """Lets `identity` into `room` of the server that the environment names."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    now = int(time.time())
    video = {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True}
    claims = {"iss": os.environ["LIVEKIT_API_KEY"], "sub": identity, "nbf": now - 10, "exp": now + lifetime_s}
    claims["video"] = {**video, **grants}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    digest = hmac.new(os.environ["LIVEKIT_API_SECRET"].encode(), signed.encode(), hashlib.sha256).digest()
    return signed + "." + part(digest)


def read_wav(path) -> np.ndarray:
    """A mono file as floats (−1 to 1) at 48 kHz."""
    with wave.open(str(path)) as file:
        assert file.getnchannels() == 1 and file.getsampwidth() == 2, path
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        rate = file.getframerate()
    if rate == RATE:
        return samples
    at = np.arange(0, len(samples), rate / RATE)
    return np.interp(at, np.arange(len(samples)), samples)


def write_wav(path, samples: np.ndarray, rate: int = RATE) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.clip(samples * 32767, -32768, 32767).astype("<i2").tobytes())


def line(name: str) -> np.ndarray:
    """A line of the demo's caller."""
    return read_wav(CALLER / f"{name}.wav")


def require_server() -> None:
    if not os.environ.get("LIVEKIT_URL"):
        print("SKIPPED: LIVEKIT_URL names no server (.ci/livekit-server.sh starts one)", file=sys.stderr)
        sys.exit(0)
