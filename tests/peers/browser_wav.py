"""The whole call of the browser's caller as one file: Chromium plays it into its microphone.

    browser_wav.py OUT.wav

Prints, as JSON, when each line begins (seconds).
"""

import json
import sys

import numpy as np

import livekit_test as lk

# Seconds from the microphone's beginning: time for the greeting, and for each answer.
FIRST_S, EACH_S, CUT_IN_S, LENGTH_S = 9.0, 7.0, 3.2, 60.0


def main(out: str) -> None:
    script = [(FIRST_S + EACH_S * i, name) for i, name in enumerate(lk.QUESTIONS)]
    story_ends = script[-1][0] + len(lk.line(lk.QUESTIONS[-1])) / lk.RATE
    script.append((story_ends + CUT_IN_S, lk.INTERRUPTION))
    samples = np.zeros(int(LENGTH_S * lk.RATE))
    for at, name in script:
        clip = lk.line(name)
        begin = int(at * lk.RATE)
        samples[begin : begin + len(clip)] = clip
    lk.write_wav(out, samples)
    print(json.dumps({"script": script, "type_at": script[-1][0] + EACH_S, "typed": lk.TYPED}))


if __name__ == "__main__":
    main(sys.argv[1])
