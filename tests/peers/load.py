"""How many conversations at once a machine holds: callers who talk, room after room, until frames are late.

    load.py --out DIR --rooms 1,2,4,8 [--seconds 40] (--worker | --agents) -- COMMAND…

`--worker`: COMMAND is one process that the server dispatches to every room. `--agents`: COMMAND and a room's name, one
process a room. The callers run in processes of their own; their CPU time is counted apart. A frame that came too late
to be played was concealed: that is counted by the caller's own receiver. Writes `load.json`.
"""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
from livekit import rtc

import livekit_test as lk
from python_peer import Caller

TICK = os.sysconf("SC_CLK_TCK")
LATE = 0.01  # of what was heard while the agent spoke, concealed: from here on people notice
LINES = ["what-time-is-it", "turn-on-the-kitchen-lights", "set-a-timer", "tell-me-a-joke", "what-is-your-name"]


def tree(pid: int):
    """A process and its children, as far as they live."""
    found = [pid]
    for process in found:
        try:
            for task in pathlib.Path(f"/proc/{process}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:
            pass
    return found


def cpu_s(pid: int) -> float:
    total = 0
    for process in tree(pid):
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / TICK


def rss_mb(pid: int) -> float:
    total = 0
    for process in tree(pid):
        try:
            lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
        except (OSError, StopIteration):
            pass
    return total / 1024


async def concealed(caller):
    """Samples heard, and those that came too late: from the receiver of the agent's track."""
    for participant in caller.room.remote_participants.values():
        for publication in participant.track_publications.values():
            if publication.track is None:
                continue
            for stats in await publication.track.get_stats():
                if stats.WhichOneof("stats") == "inbound_rtp":
                    inbound = stats.inbound_rtp.inbound
                    return inbound.total_samples_received, inbound.concealed_samples - inbound.silent_concealed_samples
    return 0, 0


async def converse(room: str, out: pathlib.Path, seconds: float, first: int) -> dict:
    """One caller: asks, listens, asks again."""
    caller = Caller(out / room)
    answers, missed = [], 0
    try:
        await caller.join(room)
        await asyncio.wait_for(caller.agent.wait(), 30)
        await caller.answer("the greeting")
        samples, late = await concealed(caller)
        end, turn = caller.now() + seconds, first
        while caller.now() < end:
            await caller.say(LINES[turn % len(LINES)])
            asked = caller.now()
            turn += 1
            try:
                await caller.until("an answer", lambda: caller.first_voice is not None, 8)
                answers.append(caller.first_voice - asked)
                await caller.answer("the question")
            except TimeoutError:
                missed += 1
        all_samples, all_late = await concealed(caller)
        heard = sum(np.sqrt(np.mean(x**2)) > 0.004 for _, x in caller.pieces) * lk.FRAME
        return {"answers": answers, "missed": missed, "late": all_late - late, "heard": int(heard), "all": all_samples - samples}
    except (TimeoutError, asyncio.TimeoutError, rtc.ConnectError) as error:
        return {"answers": answers, "missed": missed, "late": 0, "heard": 0, "all": 0, "error": str(error) or "no agent came"}
    finally:
        await caller.room.disconnect()


def measure(args, count: int, worker) -> dict:
    """`count` rooms at once."""
    rooms = [f"load-{os.getpid()}-{count}-{i}" for i in range(count)]
    agents = [] if worker else [start(args, room) for room in rooms]
    watched = [worker.pid] if worker else [agent.pid for agent in agents]
    time.sleep(1)
    callers = []
    for i, room in enumerate(rooms):
        command = [sys.executable, __file__, "--caller", room, "--out", str(args.out), "--seconds", str(args.seconds)]
        callers.append(subprocess.Popen([*command, "--first", str(i)], stdout=subprocess.PIPE, text=True))
        time.sleep(0.35)
    time.sleep(8)
    begin, cpu, most = time.monotonic(), sum(map(cpu_s, watched)), 0.0
    while any(caller.poll() is None for caller in callers) and time.monotonic() - begin < args.seconds - 8:
        most = max(most, sum(map(rss_mb, watched)))
        time.sleep(1)
    spent = (sum(map(cpu_s, watched)) - cpu) / (time.monotonic() - begin)
    calls = [json.loads(caller.communicate()[0] or '{"error": "the caller failed"}') for caller in callers]
    for agent in agents:
        end(agent)
    answers = sorted(answer for call in calls for answer in call.get("answers", []))
    heard, late = sum(call.get("heard", 0) for call in calls), sum(call.get("late", 0) for call in calls)
    return {
        "rooms": count,
        "answers": len(answers),
        "missed": sum(call.get("missed", 0) for call in calls),
        "answer_p50_ms": round(1000 * float(np.percentile(answers, 50))) if answers else None,
        "answer_p95_ms": round(1000 * float(np.percentile(answers, 95))) if answers else None,
        "late_percent": round(100 * late / max(heard, 1), 2),
        "agent_cores": round(spent, 2),
        "agent_rss_mb": round(most, 1),
        "errors": [call["error"] for call in calls if "error" in call],
    }


def start(args, *room):
    log = open(args.out / "agents.log", "a")
    return subprocess.Popen([*args.command, *room], stdout=log, stderr=log)


def end(process) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(args) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    if args.caller:
        print(json.dumps(asyncio.run(converse(args.caller, args.out, args.seconds, args.first))))
        return
    worker = start(args) if args.worker else None
    told = []
    try:
        if worker:
            time.sleep(4)
        for count in map(int, args.rooms.split(",")):
            told.append(measure(args, count, worker))
            print(json.dumps(told[-1]), flush=True)
            if told[-1]["late_percent"] > 100 * LATE or told[-1]["errors"]:
                break
            time.sleep(3)
    finally:
        if worker:
            end(worker)
        (args.out / "load.json").write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--rooms", default="1,2,4,6,8")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--agents", action="store_true")
    parser.add_argument("--caller", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="*")
    lk.require_server()
    main(parser.parse_args())
