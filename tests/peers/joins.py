"""Rooms that come and go: a worker that served many must not have grown.

    joins.py --out DIR [--times 200] -- WORKER_COMMAND…

A caller joins a new room, is greeted, and leaves, again and again. Writes `joins.json`: the worker's memory, threads and
open files as it went.
"""

import argparse
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import time

import livekit_test as lk
from load import end, rss_mb
from python_peer import Caller

WARM = 0.25  # of the calls before memory is compared: caches and allocator arenas fill
MOST_GROWTH = 0.05


def look(pid: int) -> dict:
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return {"rss_mb": round(rss_mb(pid), 1), "threads": int(status["Threads"]), "files": files}


async def visit(out: pathlib.Path, i: int) -> None:
    caller = Caller(out)
    await caller.join(f"joins-{os.getpid()}-{i}")
    try:
        await asyncio.wait_for(caller.agent.wait(), 30)
        await caller.until("a greeting", lambda: caller.first_voice is not None, 15)
    finally:
        await caller.room.disconnect()
        for task in list(caller.tasks):
            task.cancel()


async def main(args) -> int:
    args.out.mkdir(parents=True, exist_ok=True)
    log = open(args.out / "worker.log", "w")
    worker = subprocess.Popen(args.command, stdout=log, stderr=log)
    time.sleep(4)
    told, failed = [{"calls": 0, **look(worker.pid)}], []
    try:
        for i in range(1, args.times + 1):
            try:
                await visit(args.out, i)
            except (TimeoutError, asyncio.TimeoutError) as error:
                failed.append({"call": i, "why": str(error)})
            if worker.poll() is not None:
                failed.append({"call": i, "why": f"the worker ended with {worker.returncode}"})
                break
            if i % 10 == 0:
                told.append({"calls": i, **look(worker.pid)})
                print(json.dumps(told[-1]), flush=True)
        await asyncio.sleep(5)
        told.append({"calls": args.times, "after": True, **look(worker.pid)})
    finally:
        if worker.poll() is None:
            end(worker)
    warm = [entry for entry in told if entry["calls"] >= WARM * args.times]
    growth = (warm[-1]["rss_mb"] - warm[0]["rss_mb"]) / warm[0]["rss_mb"]
    (args.out / "joins.json").write_text(json.dumps({"growth": growth, "failed": failed, "told": told}, indent=2))
    print(json.dumps({"growth": round(growth, 4), "failed": failed, "last": told[-1]}))
    return 1 if failed or growth > MOST_GROWTH else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("command", nargs="+")
    lk.require_server()
    sys.exit(asyncio.run(main(parser.parse_args())))
