// The last seconds as they sounded: the user above, the agent below, what was waited for between them.

import { BLOCK_MS } from "./turns.js";

const BLOCKS = 3; // blocks in a bar
const BAR = 2; // pixels
const STEP = 3.5; // pixels from bar to bar
const BARS = 800; // kept, more than any screen shows
const LABEL = 130; // pixels at the left where the lane's name is
const EDGE = 8; // pixels that a label keeps from the left edge
const FADE = 40; // pixels over which it fades out before
const STILL_MS = 500; // between two pictures for people who want no motion

export class Score {
  #canvas;
  #you = new Float32Array(BARS);
  #agent = new Float32Array(BARS);
  #blocks = 0;
  #blockAt = 0;
  #marks = [];
  #drawnAt = 0;
  #frame = 0;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  constructor(canvas) {
    this.#canvas = canvas;
  }

  start() {
    const draw = (at) => {
      this.#frame = requestAnimationFrame(draw);
      if (this.#still.matches && at - this.#drawnAt < STILL_MS) return;
      this.#drawnAt = at;
      this.#draw(at);
    };
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(draw);
  }

  stop() {
    cancelAnimationFrame(this.#frame);
  }

  /** A block of both sides, RMS 0 to 1. */
  take(you, agent) {
    const bar = Math.floor(this.#blocks / BLOCKS) % BARS;
    if (this.#blocks % BLOCKS === 0) this.#you[bar] = this.#agent[bar] = 0;
    this.#you[bar] = Math.max(this.#you[bar], you);
    this.#agent[bar] = Math.max(this.#agent[bar], agent);
    this.#blocks++;
    this.#blockAt = performance.now();
  }

  /** Something that was measured, as `Turns` tells it. */
  mark(found) {
    this.#marks.push(found);
    if (this.#marks.length > 40) this.#marks.shift();
  }

  #draw(at) {
    const canvas = this.#canvas;
    const scale = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name);
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);

    // Blocks come in bursts: the picture goes on evenly between them, for at most 50 ms.
    const since = this.#still.matches ? 0 : Math.min(at - this.#blockAt, 50) / BLOCK_MS;
    const now = this.#blocks + Math.max(since, 0);
    const right = width - 18;
    const x = (block) => right - ((now - block) / BLOCKS) * STEP;
    const lane = Math.max(11, height * 0.085); // half of the room between the two sides
    const middle = height / 2;
    const room = middle - lane - 10;

    this.#seconds(pen, x, now, width, height, colour("--line"));
    const side = (levels, base, direction, from) => {
      pen.fillStyle = colour(from);
      pen.globalAlpha = 0.35;
      pen.fillRect(0, base - 0.5, width, 1);
      pen.globalAlpha = 1;
      const newest = Math.ceil(this.#blocks / BLOCKS) - 1;
      for (let bar = newest; bar >= 0 && bar > newest - BARS; bar--) {
        const left = x(bar * BLOCKS);
        if (left < -BAR) break;
        const long = loudness(levels[bar % BARS]) * room;
        if (long < 0.75) continue;
        pen.beginPath();
        pen.roundRect(left, direction < 0 ? base - long : base, BAR, long, BAR / 2);
        pen.fill();
      }
    };
    side(this.#you, middle - lane, -1, "--you");
    side(this.#agent, middle + lane, 1, "--agent");
    this.#measures(pen, x, middle, lane, height, colour, style.fontFamily);
  }

  #seconds(pen, x, now, width, height, colour) {
    pen.fillStyle = colour;
    const second = 1000 / BLOCK_MS;
    for (let block = Math.floor(now / second) * second; block >= 0; block -= second) {
      const left = x(block);
      if (left < 0) break;
      pen.fillRect(Math.round(left), 0, 1, height);
    }
  }

  #measures(pen, x, middle, lane, height, colour, family) {
    pen.font = `600 11.5px ${family}`;
    for (const { type, from, to } of this.#marks) {
      const [left, end] = [x(from), x(to)];
      if (end < 0) continue;
      const said = `${(to - from) * BLOCK_MS} ms`;
      if (type === "answer") {
        pen.strokeStyle = pen.fillStyle = colour("--time");
        pen.lineWidth = 1.5;
        pen.beginPath();
        for (const edge of [left, end]) {
          pen.moveTo(edge, middle - 5);
          pen.lineTo(edge, middle + 5);
        }
        pen.moveTo(left, middle);
        pen.lineTo(end, middle);
        pen.stroke();
        pen.textBaseline = "middle";
        this.#label(pen, said, end + 6, middle + 0.5, EDGE);
      } else {
        pen.fillStyle = colour("--agent");
        pen.globalAlpha = 0.12;
        pen.fillRect(left, middle + lane, end - left, height);
        pen.globalAlpha = 1;
        pen.textBaseline = "alphabetic";
        this.#label(pen, `silent after ${said}`, end + 6, height - 10, LABEL);
      }
    }
  }

  /** A label that fades out on its way to `edge`, so that it is never cut off there. */
  #label(pen, text, x, y, edge) {
    if (x <= edge) return;
    pen.globalAlpha = Math.min((x - edge) / FADE, 1);
    pen.fillText(text, x, y);
    pen.globalAlpha = 1;
  }
}

/** 0 to 1 of an RMS, even to the ear: −50 dB is nothing, −8 dB full. */
export function loudness(rms) {
  return Math.min(Math.max((20 * Math.log10(rms + 1e-6) + 50) / 42, 0), 1);
}
