"""A call as it sounded, as an SVG: the caller above, the agent below."""

from html import escape

import numpy as np

import livekit_test as lk

ROW_S, PER_S, LEFT, TOP, ROW = 15.0, 84, 70, 64, 200
CALLER, AGENT, TIME, INK, SOFT = "#3b94d9", "#d0603b", "#6b63c9", "#12313b", "#8a969a"


def wave(samples, begin_s, x, y, colour):
    """Bars of 30 ms around `y`."""
    step = int(0.03 * lk.RATE)
    part = samples[int(begin_s * lk.RATE) : int((begin_s + ROW_S) * lk.RATE)]
    peaks = np.abs(part[: len(part) // step * step]).reshape(-1, step).max(axis=1) if len(part) >= step else []
    lines = [
        f"M{x + i * 0.03 * PER_S:.1f} {y - peak * 34:.1f}v{peak * 68:.1f}" for i, peak in enumerate(peaks) if peak > 0.003
    ]
    return f'<path d="{"".join(lines)}" stroke="{colour}" stroke-width="1.8"/>'


def text(x, y, words, colour=INK, size=11, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" {extra}>{escape(words)}</text>'


def timeline(caller, heard, asked, answers, cut, events) -> str:
    length = max(len(caller), len(heard)) / lk.RATE
    rows = int(np.ceil(length / ROW_S))
    width, height = LEFT + ROW_S * PER_S + 30, TOP + rows * ROW
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="DejaVu Sans, sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#fdfbf7"/>',
        text(LEFT, 26, "A call, as its caller heard it", INK, 17),
        text(LEFT, 44, "blue: said · orange: heard · violet: last sound to first sound · shaded: cut in until silent", SOFT),
    ]

    def place(moment):
        row = int(moment // ROW_S)
        return LEFT + (moment - row * ROW_S) * PER_S, TOP + row * ROW

    for row in range(rows):
        top = TOP + row * ROW
        for second in range(int(ROW_S) + 1):
            x = LEFT + second * PER_S
            out.append(f'<path d="M{x} {top + 30}v130" stroke="#ece6da"/>')
            out.append(text(x, top + 16, f"{row * ROW_S + second:.0f} s", SOFT, 9, 'text-anchor="middle"'))
        for name, y, samples, colour in [("caller", 62, caller, CALLER), ("agent", 128, heard, AGENT)]:
            out.append(text(LEFT - 56, top + y + 4, name, SOFT))
            out.append(f'<path d="M{LEFT} {top + y}h{ROW_S * PER_S}" stroke="{colour}" opacity="0.4"/>')
            out.append(wave(samples, row * ROW_S, LEFT, top + y, colour))
    for (_, end), wait in zip(asked, answers):
        x, top = place(end)
        out.append(f'<path d="M{x:.1f} {top + 92}v8m0 -4h{wait / 1000 * PER_S:.1f}m0 -4v8" stroke="{TIME}" fill="none"/>')
        out.append(text(x + wait / 1000 * PER_S + 5, top + 100, f"{wait} ms", TIME))
    (begin, end), (x, top) = cut, place(cut[0])
    out.append(f'<rect x="{x:.1f}" y="{top + 94}" width="{(end - begin) * PER_S:.1f}" height="68" fill="#e05a4a" opacity="0.15"/>')
    out.append(text(x + (end - begin) * PER_S + 5, top + 112, f"silent after {(end - begin) * 1000:.0f} ms", "#c23b2e"))
    for event in events:
        if event["kind"] == "segment" and event["final"] and event["text"].strip():
            x, top = place(event["t"])
            agent = event["who"] == "agent"
            out.append(text(x, top + (172 if agent else 28), event["text"].strip(), INK, 9.5, 'text-anchor="end"'))
        if event["kind"] == "types":
            x, top = place(event["t"])
            out.append(text(x, top + 80, f"types: {event['text']}", CALLER, 10))
    return "\n".join([*out, "</svg>"])
