"""What may go wrong in a call, done to it: each must end as its caller would wish, or with a clear error.

    faults.py --out DIR [--duologue BINARY --stt DIR] [--only NAME] -- AGENT_COMMAND…

The room's name is put behind AGENT_COMMAND; the environment names the server. Writes `faults.json` and each agent's log.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

import numpy as np

import livekit_test as lk
from network import Air, Wire
from python_peer import Caller
from verify import Failed, judge

ENDS_S = 20  # an agent whose call is over ends within this
BACK_S = 60  # a call that can be taken up again is, within this
MEDIA_IP = "127.0.0.9"
SERVER = lk.ROOT / ".ci" / "livekit-server.sh"
OTHER_PORT = int(os.environ.get("LIVEKIT_TEST_PORT", "7880")) + 40


class Agent:
    """The agent under test, in a process of its own."""

    def __init__(self, command, room: str, out: pathlib.Path, **environment):
        out.mkdir(parents=True, exist_ok=True)
        self.log = out / f"{room}.log"
        self.file = open(self.log, "w")
        env = {**os.environ, **environment}
        self.process = subprocess.Popen([*command, room], stdout=self.file, stderr=self.file, env=env)

    async def ended(self, seconds: float):
        """Its exit status, or None if it is still there after `seconds`."""
        for _ in range(int(seconds * 10)):
            if self.process.poll() is not None:
                return self.process.returncode
            await asyncio.sleep(0.1)
        return None

    def rss_kb(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def words(self) -> str:
        return self.log.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        self.file.close()


class OtherServer:
    """A second server, to be harmed; `environment` names it."""

    def __init__(self, media_ip: str = "127.0.0.1"):
        self.variables = {**os.environ, "LIVEKIT_TEST_PORT": str(OTHER_PORT), "LIVEKIT_TEST_MEDIA_IP": media_ip}

    def script(self, *args) -> str:
        return subprocess.run([SERVER, *args], env=self.variables, check=True, capture_output=True, text=True).stdout

    def start(self) -> None:
        lines = [line.removeprefix("export ").split("=", 1) for line in self.script().splitlines()]
        self.environment = {name: value for name, value in lines if name.startswith("LIVEKIT_")}
        self.pid_file = pathlib.Path(self.variables.get("TMPDIR", "/tmp")) / f"duologue-livekit.{os.getuid()}.{OTHER_PORT}/pid"

    def kill(self) -> None:
        os.kill(int(self.pid_file.read_text()), signal.SIGKILL)

    def stop(self) -> None:
        self.script("stop")


@contextlib.asynccontextmanager
async def call(lab, room: str, url: str = "", **environment):
    """An agent in `room` and a caller that was greeted; both are ended."""
    agent = Agent(lab.command, room, lab.out, **environment)
    caller = Caller(lab.out / room)
    try:
        await caller.join(room, url)
        await asyncio.wait_for(caller.agent.wait(), 30)
        await caller.answer("the greeting")
        yield agent, caller
    finally:
        caller.save()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(caller.room.disconnect(), 5)
        agent.end()


async def speaking(caller) -> None:
    """Gets the agent into its longest answer."""
    await caller.say("tell-me-a-story")
    await caller.until("an answer", lambda: caller.first_voice and caller.now() - caller.first_voice > 1.5, 15)


def longest_gap_ms(caller, since: float, until: float) -> int:
    """The longest time without any frame from the agent."""
    times = [since, *[at for at, _ in caller.pieces if since < at < until], until]
    return round(max(np.diff(times)) * 1000)


async def websocket_cut(lab) -> dict:
    """The agent's signalling is cut while it speaks: it speaks on, and answers after."""
    wire = await Wire(int(os.environ["LIVEKIT_URL"].rsplit(":", 1)[1])).open()
    async with call(lab, "websocket-cut", LIVEKIT_URL=wire.address) as (agent, caller):
        await speaking(caller)
        at = caller.now()
        wire.cut()
        await asyncio.sleep(2)
        gap = longest_gap_ms(caller, at, at + 2)
        await caller.answer("the story")
        await caller.say("what-time-is-it")
        await caller.answer("what time is it")
        hold(gap < 500, f"nothing was heard for {gap} ms")
        hold(wire.connections > 1, "the agent did not connect again")
        return {"longest_gap_ms": gap, "connections": wire.connections}


async def caller_leaves(lab) -> dict:
    """The caller goes while the agent speaks: the agent ends, and well."""
    async with call(lab, "caller-leaves") as (agent, caller):
        await speaking(caller)
        at = caller.now()
        await caller.room.disconnect()
        status = await agent.ended(ENDS_S)
        hold(status == 0, f"exit status {status}")
        return {"ended_after_s": round(caller.now() - at, 2)}


async def room_deleted(lab) -> dict:
    """The room is deleted while the agent speaks: both sides are told, the agent ends."""
    async with call(lab, "room-deleted") as (agent, caller):
        await speaking(caller)
        at = caller.now()
        delete_room("room-deleted")
        status = await agent.ended(ENDS_S)
        hold(status == 0, f"exit status {status}")
        hold(any(event["kind"] == "disconnected" for event in caller.events), "the caller was not told")
        return {"ended_after_s": round(caller.now() - at, 2)}


async def server_killed(lab) -> dict:
    """The server dies while the agent speaks, and comes back: the call goes on, or the agent says why it cannot."""
    other = OtherServer()
    other.start()
    try:
        url = other.environment["LIVEKIT_URL"]
        async with call(lab, "server-killed", url, **other.environment) as (agent, caller):
            await speaking(caller)
            other.kill()
            at = caller.now()
            await asyncio.sleep(1)
            other.start()
            back = lambda: any(event["kind"] == "reconnected" for event in caller.events)
            await caller.until("the caller's return", back, BACK_S)
            returned = caller.now() - at
            status = await agent.ended(5)
            if status is not None:
                hold(status != 0 and agent.words().strip(), "the agent ended without a word")
                return {"caller_back_after_s": round(returned, 2), "agent": last_line(agent.words())}
            tries = 0
            while not told_time(caller, at) and caller.now() - at < BACK_S:
                tries += 1
                await caller.say("what-time-is-it")
                with contextlib.suppress(TimeoutError):
                    await caller.until("the time", lambda: told_time(caller, at), 8)
            answer = told_time(caller, at)
            hold(answer is not None, "the agent neither answers nor ends")
            heard = lambda: caller.last_voice > at
            await caller.until("the answer's sound", heard, 5)
            told = {"answered_after_s": round(answer["t"] - at, 2), "asked": tries, "answer": answer["text"]}
            return {"caller_back_after_s": round(returned, 2), **told}
    finally:
        other.stop()


async def wrong_secret(lab) -> dict:
    """A wrong secret is told, at once."""
    agent = Agent(lab.command, "wrong-secret", lab.out, LIVEKIT_API_SECRET="not-the-secret-not-the-secret-no")
    try:
        status = await agent.ended(ENDS_S)
        said = last_line(agent.words())
        hold(status not in (None, 0), f"exit status {status}")
        hold(any(word in said.lower() for word in ("secret", "token", "key")), f"it says: {said}")
        return {"says": said}
    finally:
        agent.end()


async def no_server(lab) -> dict:
    """A server that is not there is told."""
    agent = Agent(lab.command, "no-server", lab.out, LIVEKIT_URL="ws://127.0.0.1:9")
    try:
        status = await agent.ended(60)
        said = last_line(agent.words())
        hold(status not in (None, 0), f"exit status {status}")
        hold("127.0.0.1:9" in said, f"it says: {said}")
        return {"says": said}
    finally:
        agent.end()


async def bad_network(lab) -> dict:
    """5 % of the packets are lost and each is up to 100 ms late, both ways: the whole conversation works."""
    other = OtherServer(MEDIA_IP)
    other.start()
    air = await Air(MEDIA_IP, OTHER_PORT + 2, loss=0.05, delay_s=0.0, jitter_s=0.1).open()
    room = "bad-network"
    agent = Agent(lab.command, room, lab.out, **other.environment)
    caller = Caller(lab.out / room)
    try:
        await caller.join(room, other.environment["LIVEKIT_URL"])
        await asyncio.wait_for(caller.converse(), 180)
        caller.save()
        hold(len(air.lanes) > 1, "they found a way around the bad network")
        figures = {"datagrams": air.sent, "lost": air.lost}
        if lab.duologue:
            # Jitter stretches the fade, and loss the words: both are measured here, and judged on a good network.
            judged = judge(lab.out / room, lab.duologue, lab.stt, strict=False)
            figures |= {key: judged.get(key) for key in ("answers_ms", "stop_ms", "fade_ms", "words", "wrong_words")}
        return figures
    finally:
        await caller.room.disconnect()
        agent.end()
        other.stop()


def told_time(caller, since: float):
    """The agent's answer to "what time is it", after `since`, as the caller was shown it to the end."""
    for event in caller.events:
        is_answer = event["kind"] == "segment" and event["who"] == "agent" and event["final"] and event["t"] > since
        if is_answer and re.match(r"\s*it is \w+", event["text"].lower()):
            return event
    return None


def delete_room(room: str) -> None:
    url = os.environ["LIVEKIT_URL"].replace("ws", "http", 1) + "/twirp/livekit.RoomService/DeleteRoom"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {lk.token(room, 'operator', roomCreate=True)}"}
    request = urllib.request.Request(url, json.dumps({"room": room}).encode(), headers)
    urllib.request.urlopen(request, timeout=10).read()


def hold(condition, otherwise: str) -> None:
    if not condition:
        raise Failed(otherwise)


def last_line(log: str) -> str:
    """What was said last; a backtrace is no word."""
    lines = log.split("Stack backtrace")[0].strip().splitlines()
    return lines[-1] if lines else ""


FAULTS = [websocket_cut, caller_leaves, room_deleted, server_killed, wrong_secret, no_server, bad_network]


async def main(lab) -> int:
    told, failed = {}, 0
    for fault in FAULTS:
        if lab.only and fault.__name__ not in lab.only:
            continue
        try:
            told[fault.__name__] = await asyncio.wait_for(fault(lab), 240)
        except (Failed, TimeoutError, OSError) as error:
            failed += 1
            told[fault.__name__] = {"failed": str(error) or type(error).__name__}
        print(fault.__name__, json.dumps(told[fault.__name__]), flush=True)
    lab.out.mkdir(parents=True, exist_ok=True)
    (lab.out / "faults.json").write_text(json.dumps(told, indent=2))
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--duologue")
    parser.add_argument("--stt")
    parser.add_argument("--only", action="append")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    lk.require_server()
    sys.exit(1 if asyncio.run(main(arguments)) else 0)
