// A caller in headless Chromium, on the page of examples/web: it speaks a WAV into the room and types once.
//
//     node browser_peer.mjs PAGE_URL ROOM OUT_DIR CALLER.wav SCRIPT.json
//
// OUT_DIR then holds what the page's microphone gave and what came from the room (`said.wav`, `heard.wav`: 48 kHz, one
// clock), `events.jsonl` (`t` in seconds of both files) and screenshots. LIVEKIT_TEST_CHROMIUM names another browser.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const RATE = 48_000;
const ANSWER_MS = 20_000;

/** Runs in the page, before its scripts: records both sides in one audio context, and notes what is shown. */
function record(rate) {
  const recorder = (window.recorder = { events: [], chunks: [], samples: 0 });
  recorder.note = (kind, details) => recorder.events.push({ t: recorder.samples / rate, kind, ...details });
  const code = `registerProcessor("tape", class extends AudioWorkletProcessor {
    #tape = [new Int16Array(480), new Int16Array(480)];
    #at = 0;
    process(inputs) {
      for (let i = 0; i < 128; i++) {
        for (let side = 0; side < 2; side++) {
          const sample = inputs[side][0]?.[i] ?? 0;
          this.#tape[side][this.#at] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
        }
        if (++this.#at === 480) {
          this.port.postMessage(this.#tape);
          this.#at = 0;
        }
      }
      return true;
    }
  });`;
  const context = new AudioContext({ sampleRate: rate });
  const tape = context.audioWorklet
    .addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })))
    .then(() => {
      const node = new AudioWorkletNode(context, "tape", { numberOfInputs: 2, numberOfOutputs: 0 });
      node.port.onmessage = ({ data }) => {
        recorder.chunks.push(data);
        recorder.samples += data[0].length;
      };
      return node;
    });
  const listen = async (stream, side) => {
    await context.resume();
    context.createMediaStreamSource(stream).connect(await tape, 0, side);
  };

  const devices = MediaDevices.prototype;
  const { getUserMedia } = devices;
  devices.getUserMedia = async function (...wanted) {
    const stream = await getUserMedia.apply(this, wanted);
    listen(stream, 0);
    recorder.note("microphone");
    return stream;
  };
  const Plain = RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...args) {
      super(...args);
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "audio") listen(new MediaStream([track]), 1);
      });
    }
  };

  addEventListener("DOMContentLoaded", () => {
    const state = document.getElementById("state");
    new MutationObserver(() => recorder.note("state", { value: state.dataset.state })).observe(state, {
      attributeFilter: ["data-state"],
    });
    const lines = document.getElementById("transcript");
    new MutationObserver(() => {
      [...lines.children].forEach((line, id) => {
        const text = line.querySelector(".text span").textContent;
        const final = line.hasAttribute("data-final");
        const seen = `${text} ${final}`;
        if (line.seen === seen) return;
        line.seen = seen;
        recorder.note("segment", { who: line.dataset.who, id: `${id}`, text, final });
      });
    }).observe(lines, { childList: true, subtree: true, characterData: true, attributes: true });
  });
}

/** Takes what was recorded out of the page. */
function taken() {
  const { chunks, events } = window.recorder;
  const base64 = (side) => {
    let bytes = "";
    for (const chunk of chunks) bytes += String.fromCharCode(...new Uint8Array(chunk[side].buffer));
    return btoa(bytes);
  };
  return { said: base64(0), heard: base64(1), events };
}

function wav(base64) {
  const pcm = Buffer.from(base64, "base64");
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + pcm.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([head, pcm]);
}

async function main([address, room, out, caller, scriptFile]) {
  const { script, type_at: typeAt, typed } = JSON.parse(readFileSync(scriptFile, "utf8"));
  mkdirSync(out, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.LIVEKIT_TEST_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${path.resolve(caller)}%noloop`,
      "--autoplay-policy=no-user-gesture-required",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
    ],
  });
  const faults = [];
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 820 }, permissions: ["microphone"] });
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    await page.addInitScript(record, RATE);
    await page.goto(address);
    await page.fill("[name=room]", room);
    await page.click("button.primary");
    await page.waitForFunction(() => window.recorder.samples > 0, null, { timeout: 30_000 });
    await page.waitForFunction(() => document.querySelector("#state").dataset.state === "listening", null, {
      timeout: 30_000,
    });

    const reach = (seconds) =>
      page.waitForFunction(([s, rate]) => window.recorder.samples / rate > s, [seconds, RATE], { timeout: 90_000 });
    await reach(script.at(-1)[0] + 1.0);
    await page.screenshot({ path: path.join(out, "interrupted.png") });
    await reach(typeAt);
    const before = await page.locator("#transcript li[data-who=agent]").count();
    await page.fill("#chat-text", typed);
    await page.evaluate((text) => window.recorder.note("types", { text }), typed);
    await page.press("#chat-text", "Enter");
    await page.waitForFunction(
      (count) => document.querySelectorAll("#transcript li[data-who=agent][data-final]").length > count,
      before,
      { timeout: ANSWER_MS },
    );
    await page.waitForTimeout(1200);
    await page.screenshot({ path: path.join(out, "page.png") });
    await page.setViewportSize({ width: 390, height: 780 });
    await page.waitForTimeout(300);
    await page.screenshot({ path: path.join(out, "phone.png") });

    const recorded = await page.evaluate(taken);
    const shown = await page.evaluate(() =>
      Object.fromEntries([...document.querySelectorAll(".figures dd")].map((figure) => [figure.id, figure.textContent])),
    );
    for (const side of ["said", "heard"]) writeFileSync(path.join(out, `${side}.wav`), wav(recorded[side]));
    const events = [...recorded.events, { t: 0, kind: "shown", ...shown }];
    writeFileSync(path.join(out, "events.jsonl"), events.map((event) => `${JSON.stringify(event)}\n`).join(""));
    await page.click("#leave");
    await page.waitForSelector(".join:not([hidden])");
  } finally {
    await browser.close();
  }
  if (faults.length) throw new Error(`the page complained: ${faults.join("; ")}`);
}

await main(process.argv.slice(2));
