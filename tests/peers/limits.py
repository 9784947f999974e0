"""A conversation with an agent that may use only so much of a processor and so much memory, as a container may.

    limits.py --out DIR [--cpu 0.25] [--memory-mib 512] [--seconds 60] [--worker] -- AGENT_COMMAND…

The agent runs in a control group of its own (version 1 or 2; needs root), its caller outside of it. The room's name is put
behind AGENT_COMMAND; with `--worker` it is dispatched to the room instead. More than one `--cpu`, separated by commas, are
tried one after the other. Writes `limits.json`: what was asked, understood and answered, what came too late, and what the
group counted. Exits with 1 if a question was left without its answer within any of the limits.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

import livekit_test as lk
from load import LINES, concealed, cpu_s, end
from python_peer import Caller

ROOT = pathlib.Path("/sys/fs/cgroup")
PERIOD_US = 100_000  # of the processor time that is shared out: the kernel's default, and a container's
# A word of the right answer to each of the lines.
ANSWERS = {
    "what-time-is-it": "it is",
    "turn-on-the-kitchen-lights": "kitchen",
    "set-a-timer": "timer",
    "tell-me-a-joke": "clock",
    "what-is-your-name": "duologue",
}


class Group:
    """A control group with limits."""

    def __init__(self, cpu: float, memory_mib: int):
        name, quota, memory = f"duologue-limits-{os.getpid()}", int(cpu * PERIOD_US), memory_mib << 20
        if (ROOT / "cgroup.controllers").exists():
            (ROOT / "cgroup.subtree_control").write_text("+cpu +memory")
            self.dirs = [ROOT / name]
            limits = {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": memory}
        else:
            self.dirs = [ROOT / kind / name for kind in ("cpu", "memory")]
            limits = {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota, "memory.limit_in_bytes": memory}
        for folder in self.dirs:
            folder.mkdir()
        for file, value in limits.items():
            self.find(file).write_text(str(value))

    def find(self, file: str) -> pathlib.Path:
        return next(path for folder in self.dirs if (path := folder / file).exists())

    def read(self, *files: str) -> str:
        """The first of `files` that this version has."""
        for file in files:
            with contextlib.suppress(StopIteration):
                return self.find(file).read_text()
        return "0"

    def take(self) -> None:
        """Moves this process in; runs in the child before it becomes the agent."""
        for folder in self.dirs:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def throttled(self) -> dict:
        pairs = (line.split() for line in self.read("cpu.stat").splitlines() if line)
        stat = {key: int(value) for key, value in pairs}
        held = stat.get("throttled_usec", stat.get("throttled_time", 0) // 1000)
        return {"periods": stat.get("nr_periods", 0), "throttled": stat.get("nr_throttled", 0), "held_ms": held // 1000}

    def peak_mib(self) -> float:
        """Caches of files included, which are given up when memory is needed."""
        return round(int(self.read("memory.peak", "memory.max_usage_in_bytes")) / 2**20, 1)

    def used_mib(self) -> float:
        stat = dict(line.split() for line in self.read("memory.stat").splitlines())
        return round(int(stat.get("anon", stat.get("rss", 0))) / 2**20, 1)

    def kills(self) -> int:
        stat = dict(line.split() for line in self.read("memory.events", "memory.oom_control").splitlines())
        return int(stat.get("oom_kill", 0))

    def remove(self) -> None:
        for folder in self.dirs:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.1)


def words(events, who: str, since: float) -> list:
    """What was said to the end by `who`, as the frontend was told."""
    return [event["text"].strip() for event in events
            if event["kind"] == "segment" and event["who"] == who and event["final"] and event["t"] > since]


async def converse(caller: Caller, seconds: float) -> dict:
    """Asks in turn, and waits for the answer; the caller was greeted."""
    told = {"asked": 0, "understood": 0, "answered": 0, "wrong": []}
    waits = []
    samples, late = await concealed(caller)
    heard = len(caller.pieces)
    until = caller.now() + seconds
    while caller.now() < until:
        line = LINES[told["asked"] % len(LINES)]
        begun = caller.now()
        await caller.say(line)
        said = caller.now()
        told["asked"] += 1
        try:
            await caller.until("an answer", lambda: caller.first_voice is not None, 10)
            waits.append(caller.first_voice - said)
            await caller.answer(line)
        except TimeoutError as error:
            told["wrong"].append({"line": line, "why": str(error)})
            continue
        await asyncio.sleep(0.3)
        answer = " ".join(words(caller.events, "agent", begun))
        told["understood"] += line.replace("-", " ") in " ".join(words(caller.events, "you", begun))
        told["answered"] += ANSWERS[line] in answer.lower()
        if ANSWERS[line] not in answer.lower():
            told["wrong"].append({"line": line, "answer": answer})
    all_samples, all_late = await concealed(caller)
    spoken = sum(np.sqrt(np.mean(x**2)) > 0.004 for _, x in caller.pieces[heard:]) * lk.FRAME
    percent = [round(1000 * float(np.percentile(waits, p))) if waits else None for p in (50, 95, 100)]
    return told | {
        "answer_p50_ms": percent[0],
        "answer_p95_ms": percent[1],
        "answer_max_ms": percent[2],
        "late_percent": round(100 * (all_late - late) / max(spoken, 1), 2),
    }


async def measure(args, cpu: float) -> dict:
    group = Group(cpu, args.memory_mib)
    room = f"limits-{os.getpid()}-{cpu}"
    log = open(args.out / f"agent-{cpu}.log", "w")
    began = time.monotonic()
    command = args.command if args.worker else [*args.command, room]
    agent = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=group.take)
    caller = Caller(args.out / str(cpu))
    told = {"cpu": cpu, "memory_mib": args.memory_mib}
    try:
        if args.worker:
            await asyncio.sleep(4 + 1.5 / cpu)
        joined = time.monotonic()
        await caller.join(room)
        await asyncio.wait_for(caller.agent.wait(), 60)
        await caller.answer("the greeting")
        begun = joined if args.worker else began
        greeted = caller.start + next(at for at, x in caller.pieces if np.sqrt(np.mean(x**2)) > 0.004)
        told["greeted_after_ms"] = round(1000 * (greeted - begun))
        used, before = time.monotonic(), group.throttled()
        ticks = cpu_s(agent.pid)
        told |= await converse(caller, args.seconds)
        told["cores_used"] = round((cpu_s(agent.pid) - ticks) / (time.monotonic() - used), 3)
        after = group.throttled()
        told |= {key: after[key] - before[key] for key in after}
    except (TimeoutError, asyncio.TimeoutError, StopIteration) as error:
        told["failed"] = str(error) or "no agent came"
    finally:
        told |= {"peak_mib": group.peak_mib(), "anonymous_mib": group.used_mib(), "kills": group.kills()}
        caller.save()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(caller.room.disconnect(), 5)
        end(agent)
        group.remove()
    return told


async def main(args) -> int:
    args.out.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or not ROOT.exists():
        print("SKIPPED: control groups need root", file=sys.stderr)
        return 0
    told = []
    for cpu in map(float, args.cpu.split(",")):
        told.append(await measure(args, cpu))
        print(json.dumps(told[-1]), flush=True)
    (args.out / "limits.json").write_text(json.dumps(told, indent=2))
    return 0 if all("failed" not in one and one["answered"] == one["asked"] for one in told) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--cpu", default="0.25", help="of a processor")
    parser.add_argument("--memory-mib", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("command", nargs="+")
    lk.require_server()
    sys.exit(asyncio.run(main(parser.parse_args())))
