"""Makes a labelled set of turns of recordings, for `duologue bench --endpointing`: turns.py DUOLOGUE STT OUT FILE.wav…

Each recording is taken to be one complete turn. The program's own recogniser tells where the words are; after every third
word the turn is cut, and where its speaker paused for a quarter of a second or longer there is a real pause.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

#: Shortest gap between words that counts as a pause, in seconds.
PAUSE = 0.25
#: A word's end as the recogniser tells it is late by about this much.
LATE = 0.1


def words(program, stt, file):
    told = subprocess.run(
        [program, "transcribe", "--json", "--stt", stt, file], check=True, stdout=subprocess.PIPE, text=True
    )
    lines = map(json.loads, told.stdout.splitlines())
    return [word for line in lines if line["type"] == "final" for word in line["words"]]


def places(found):
    """Where somebody fell silent, whether they had finished, and for how long they paused."""
    for number, (word, after) in enumerate(zip(found, found[1:]), 1):
        gap = after["start"] - word["end"]
        if gap >= PAUSE:
            yield word["end"], "cut", f"\t{gap:.2f}"
        elif number % 3 == 0:
            yield word["end"] - LATE, "cut", ""
    yield found[-1]["end"], "complete", ""


def main():
    program, stt, out, *files = sys.argv[1:]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "turns.tsv", "w", encoding="utf-8") as turns:
        for file in files:
            if found := words(program, stt, file):
                name = Path(file).name
                shutil.copyfile(file, folder / name)
                turns.writelines(f"{name}\t{end:.2f}\t{kind}{pause}\n" for end, kind, pause in places(found))


main()
