"""Judges a call by what its caller heard: what the agent said is what its history says, and it was silent in time.

    verify.py CALL_DIR --duologue BINARY --stt DIR

CALL_DIR holds `said.wav`, `heard.wav` and `events.jsonl` of a peer, and the agent's `history.json`. Writes `figures.json` and `timeline.svg` beside them.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

import numpy as np

import livekit_test as lk
from timeline import timeline

WINDOW = lk.RATE // 200  # 5 ms
SOUND = 10 ** (-55 / 20)  # peak below which a window is silence
PACKET_MS, FADE_MS = 20, 20  # of Opus as WebRTC sends it; of the playback callback
WINDOW_MS = 5
DUCKED = 0.125  # of the agent's level, while the caller may or may not mean to interrupt
MOST_WRONG = 0.35  # of the words, by a recogniser that never heard this voice


class Failed(Exception):
    """A check that did not hold."""


def regions(samples, gap_s: float, level: float = SOUND, least_s: float = 0.04):
    """Where there is sound: (begin, end) in seconds; gaps up to `gap_s` belong to it."""
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    loud = np.flatnonzero(np.abs(windows).max(axis=1) > level)
    found = []
    for window in loud:
        begin, end = window * WINDOW / lk.RATE, (window + 1) * WINDOW / lk.RATE
        if found and begin - found[-1][1] <= gap_s:
            found[-1][1] = end
        else:
            found.append([begin, end])
    return [(begin, end) for begin, end in found if end - begin >= least_s]


def exact_end(samples, near_s: float) -> float:
    """The last sample that sounds before `near_s`."""
    upto = samples[: int(near_s * lk.RATE)]
    return (np.flatnonzero(np.abs(upto) > SOUND)[-1] + 1) / lk.RATE


def ms(seconds: float) -> int:
    return round(seconds * 1000)


def fade_ms(heard, silent_s: float) -> int:
    """From the last window at half of the ducked level it had before, to silence."""
    end = int(silent_s * lk.RATE)
    before = heard[end - int(0.6 * lk.RATE) : end]
    windows = before[: len(before) // WINDOW * WINDOW].reshape(-1, WINDOW)
    levels = np.sqrt((windows**2).mean(axis=1))
    usual = np.median(levels[levels > SOUND])
    full = np.flatnonzero(levels >= usual * DUCKED / 2)
    return ms((len(before) - (full[-1] + 1) * WINDOW) / lk.RATE)


def words(text: str):
    return re.sub(r"[^a-z' ]+", " ", text.lower()).split()


def wrong(expected, got) -> int:
    """Words to insert, delete or replace."""
    row = list(range(len(got) + 1))
    for i, want in enumerate(expected, 1):
        last, row[0] = row[0], i
        for j, word in enumerate(got, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (want != word))
    return row[-1]


def decode(folder, heard, spans, duologue: str, stt: str):
    """What an independent recogniser makes of each span."""
    files = []
    for i, (begin, end) in enumerate(spans):
        clip = heard[max(int((begin - 0.3) * lk.RATE), 0) : int((end + 0.3) * lk.RATE)]
        files.append(str(folder / f"answer-{i}.wav"))
        lk.write_wav(files[-1], np.pad(clip, lk.RATE // 2))
    done = subprocess.run([duologue, "transcribe", "--stt", stt, "--json", *files], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"transcribe: {done.stderr.strip()}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    finals = [line for line in lines if line["type"] == "final"]
    return [" ".join(line["text"] for line in finals if line["file"] == file) for file in files]


def last_words(events, agent: bool):
    """Final texts of one side's segments, in order."""
    texts = {}
    for event in events:
        if event["kind"] == "segment" and is_agent(event) == agent and (event["final"] or event["id"] in texts):
            texts[event["id"]] = event["text"].strip()
    return [text for text in texts.values() if text]


def remembered(folder, role: str):
    """What the agent wrote down that one side said, if it did."""
    file = folder / "history.json"
    items = json.loads(file.read_text()) if file.exists() else []
    return [item["text"] for item in items if item.get("kind") == "message" and item["role"] == role]


def is_agent(event) -> bool:
    return event["who"] == "agent"


def judge(folder: pathlib.Path, duologue: str, stt, strict: bool = True):
    events = [json.loads(line) for line in open(folder / "events.jsonl")]
    caller, heard = lk.read_wav(folder / "said.wav"), lk.read_wav(folder / "heard.wav")
    asked = regions(caller, 0.6, level=0.02, least_s=0.25)
    expected = len(lk.QUESTIONS) + 1
    if len(asked) != expected:
        raise Failed(f"the caller's {expected} lines are {len(asked)} in said.wav: {asked}")
    sounds = regions(heard, 0.12)

    def first_after(moment):
        after = [begin for begin, _ in sounds if begin > moment]
        if not after:
            raise Failed(f"nothing was heard after {moment:.2f} s")
        return after[0]

    cut_in = asked[-1][0]
    under_way = [(begin, end) for begin, end in sounds if begin < cut_in < end + 0.3]
    if not under_way:
        raise Failed(f"the agent was not speaking when the caller cut in at {cut_in:.2f} s")
    silent = exact_end(heard, under_way[-1][1] + 0.01)
    answers = [ms(first_after(end) - end) for _, end in asked[:-1]]
    answers.append(ms(first_after(max(asked[-1][1], silent)) - asked[-1][1]))
    typed = next(event["t"] for event in events if event["kind"] == "types")
    quiet = [event["t"] for event in events if event["kind"] == "state" and event["value"] != "speaking"]
    yielded = min((t for t in quiet if t > cut_in), default=None)
    figures = {
        "answers_ms": answers,
        "answer_median_ms": round(float(np.median(answers))),
        "typed_ms": ms(first_after(typed) - typed),
        "stop_ms": ms(silent - cut_in),
        "fade_ms": fade_ms(heard, silent),
        "silent_after_state_ms": None if yielded is None else ms(silent - yielded),
    }
    figures |= {key: value for event in events if event["kind"] == "shown" for key, value in event.items() if "-" in key}

    shown = last_words(events, True)
    history = remembered(folder, "assistant") or shown
    if stt:
        decoded = decode(folder, heard, regions(heard, 1.0), duologue, stt)
        want, got = words(" ".join(history)), words(" ".join(decoded))
        figures |= {"decoded": decoded, "words": len(want), "wrong_words": wrong(want, got)}
    figures |= {
        "history": history,
        "shown": shown,
        "caller_heard": last_words(events, False),
        "states": sorted({event["value"] for event in events if event["kind"] == "state"}),
    }
    (folder / "figures.json").write_text(json.dumps(figures, indent=2))
    (folder / "timeline.svg").write_text(timeline(caller, heard, asked, answers, (cut_in, silent), events))
    if strict:
        check(figures)
    return figures


def check(figures) -> None:
    limit = PACKET_MS + FADE_MS + WINDOW_MS
    if figures["fade_ms"] > limit:
        raise Failed(f"the agent faded for {figures['fade_ms']} ms; a packet and a fade are {limit} ms")
    if figures.get("wrong_words", 0) > MOST_WRONG * figures.get("words", 0):
        of = f"{figures['wrong_words']} of {figures['words']} words"
        raise Failed(f"{of} differ: heard {figures['decoded']}, history {figures['history']}")
    if words(" ".join(figures["shown"])) != words(" ".join(figures["history"])):
        raise Failed(f"the transcript {figures['shown']} is not the history {figures['history']}")
    missing = {"listening", "speaking"} - set(figures["states"])
    if missing:
        raise Failed(f"lk.agent.state was never {missing}")
    spoken = [name.replace("-", " ") for name in [*lk.QUESTIONS, lk.INTERRUPTION]]
    understood = words(" ".join(figures["caller_heard"]))
    missed = wrong(words(" ".join(spoken)), understood)
    if missed > MOST_WRONG * len(words(" ".join(spoken))) + len(words(lk.TYPED)):
        raise Failed(f"the caller said {spoken}; the agent's transcript is {figures['caller_heard']}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("call", type=pathlib.Path)
    parser.add_argument("--duologue", required=True)
    parser.add_argument("--stt", help="the recogniser; without it what was heard is not decoded")
    args = parser.parse_args()
    try:
        print(json.dumps(judge(args.call, args.duologue, args.stt), indent=2))
    except Failed as failed:
        sys.exit(f"{args.call}: {failed}")


if __name__ == "__main__":
    main()
