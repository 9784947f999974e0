// The page: joins a call, shows what it tells, and passes on what the user does.
//
// Where to: `?url=…&token=…` (or behind `#`) joins at once; else the server that serves this page mints a token
// (`token`, LiveKit's token endpoint); else the form asks for both.

import { Call } from "./call.js";
import { Score, loudness } from "./score.js";
import { Transcript } from "./transcript.js";
import { BLOCK_MS, Turns, median } from "./turns.js";

const $ = (id) => document.getElementById(id);
const state = $("state");
const transcript = new Transcript($("transcript"), $("empty"), $("announce"));
const score = new Score($("score"));
const STATES = {
  connecting: "Connecting",
  waiting: "Waiting for the agent",
  reconnecting: "Reconnecting",
  initializing: "Getting ready",
  idle: "Ready",
  listening: "Listening",
  thinking: "Thinking",
  speaking: "Speaking",
  ended: "Ended",
};

let call = null;
let ear = null;
let answers = [];
let muted = false;
let minted = false;

// ---- before the call ----

const form = $("join");
const asked = new URLSearchParams(`${location.search.slice(1)}&${location.hash.slice(1)}`);
for (const name of ["name", "room", "url", "token"]) form.elements[name].value = asked.get(name) ?? "";

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});

begin.ready = (async () => {
  minted = await fetch("token").then((answer) => answer.ok, () => false);
  form.querySelector("[data-endpoint]").hidden = !minted;
  $("own").open = !minted || asked.has("url");
  if (asked.has("url") && asked.has("token")) await begin();
})();

/** Where to, from the form or the token endpoint. */
async function destination() {
  const { name, room, url, token } = form.elements;
  if (url.value && token.value) return { server_url: url.value, participant_token: token.value };
  if (!minted) throw new Error("Name a server and a token: nothing here makes them.");
  const body = { participant_name: name.value.trim(), room_name: room.value.trim() };
  const answer = await fetch("token", { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`No token was given: ${await answer.text()}`);
  return answer.json();
}

async function begin() {
  const button = form.querySelector("button");
  button.disabled = true;
  notice("");
  // Made within the click: browsers let a page sound only then.
  const sound = new AudioContext();
  try {
    const to = await destination();
    fresh(sound);
    await call.join(to.server_url, to.participant_token);
    $("place").textContent = call.place;
  } catch (error) {
    call = null;
    close(sound);
    show("out");
    notice(error.message);
  } finally {
    button.disabled = false;
  }
}

// ---- in the call ----

/** A new call, with nothing left of the last. */
function fresh(sound) {
  if (ear) close(ear.sound);
  ear = { sound, turns: new Turns(), node: null, sources: [] };
  answers = [];
  transcript.clear();
  tell("last-latency", "–");
  tell("median-latency", "–");
  tell("stop-latency", "–");
  tell("answers", "0");
  todo({ items: [] });
  $("activity").replaceChildren();
  $("doing").textContent = "";
  setMuted(false);
  live(true);

  call = new Call();
  const on = (type, act) => call.addEventListener(type, ({ detail }) => act(detail));
  on("phase", (phase) => {
    show("in");
    setState(phase === "in" ? state.dataset.state : phase);
    if (phase === "reconnecting") notice("The connection is interrupted. Trying to get it back…");
    else if (phase === "in") notice("");
  });
  on("state", setState);
  on("segment", (segment) => transcript.show(segment));
  on("envelope", read);
  on("tracks", listen);
  on("trouble", (text) => notice(text));
  on("ended", (why) => {
    score.stop();
    setState("ended");
    live(false);
    close(ear.sound);
    if (why) notice(why, "Join again", begin);
    else show("out");
  });
  score.start();
}

/** Whether the controls of a call do anything. */
function live(now) {
  for (const control of document.querySelectorAll("#mute, #interrupt, #chat *")) control.disabled = !now;
}

function close(sound) {
  if (sound.state !== "closed") sound.close();
}

function show(phase) {
  document.body.dataset.phase = phase;
  document.querySelector(".join").hidden = phase === "in";
  document.querySelector(".call").hidden = phase === "out";
  if (phase === "out") {
    setState("out");
    $("place").textContent = "";
  }
}

function setState(name) {
  state.dataset.state = name;
  state.lastElementChild.textContent = STATES[name] ?? name;
}

function notice(text, offer, act) {
  const box = $("notice");
  box.hidden = !text;
  box.firstElementChild.textContent = text;
  box.lastElementChild.hidden = !offer;
  box.lastElementChild.textContent = offer ?? "";
  box.lastElementChild.onclick = act ?? null;
}

const tell = (id, text) => ($(id).textContent = text);

/** Listens to both sides, on one clock. */
async function listen(tracks) {
  const { sound, turns, sources } = ear;
  if (!ear.node) {
    ear.node = sound.audioWorklet.addModule("levels.worklet.js").then(() => {
      const node = new AudioWorkletNode(sound, "levels", { numberOfInputs: 2, numberOfOutputs: 0 });
      node.port.onmessage = ({ data: [you, agent] }) => take(turns, muted ? 0 : you, agent);
      return node;
    });
  }
  const node = await ear.node;
  if (sound.state === "suspended") sound.resume();
  [tracks.you, tracks.agent].forEach((track, side) => {
    if (sources[side]?.track === track) return;
    sources[side]?.source.disconnect();
    sources[side] = track && { track, source: sound.createMediaStreamSource(new MediaStream([track])) };
    sources[side]?.source.connect(node, 0, side);
  });
}

function take(turns, you, agent) {
  score.take(you, agent);
  if (turns.now % 10 === 0) {
    level($("you-level"), loudness(you));
    level($("agent-level"), loudness(agent));
  }
  for (const found of turns.take(you, agent)) {
    const ms = (found.to - found.from) * BLOCK_MS;
    score.mark(found);
    if (found.type === "answer") {
      answers.push(ms);
      tell("last-latency", `${ms} ms`);
      tell("median-latency", `${Math.round(median(answers))} ms`);
      tell("answers", answers.length);
      transcript.answered(`${ms} ms`);
    } else {
      tell("stop-latency", `${ms} ms`);
      transcript.cut("you cut in", (turns.now - found.to) * BLOCK_MS);
    }
  }
}

function level(meter, value) {
  meter.style.setProperty("--level", value.toFixed(3));
  meter.ariaValueNow = Math.round(value * 100);
}

// ---- what the agent tells ----

function read({ type, data = {} }) {
  if (type === "todo") todo(data);
  else if (type === "status") doing(data);
  else if (type === "tool_call") activity(`${data.name}…`, data.call_id);
  else if (type === "tool_result") activity(`${data.name}: ${data.output}`, data.call_id, data.is_error);
  else if (type === "handoff") activity(`${data.to} takes over`);
  else if (type === "error") activity(data.message, undefined, true);
}

function todo({ title, items = [] }) {
  $("todo-title").textContent = items.length ? title || "To do" : "Activity";
  $("todo").replaceChildren(
    ...items.map(({ description, label, status }) => {
      const item = document.createElement("li");
      item.dataset.status = status;
      item.textContent = description ?? label;
      if (status === "in_progress") item.ariaCurrent = "step";
      const spoken = document.createElement("span");
      spoken.className = "hidden";
      spoken.textContent = ` (${status.replace("_", " ")})`;
      item.append(spoken);
      return item;
    }),
  );
  tidy();
}

function doing({ state: what, text, percent }) {
  const done = percent === undefined ? "" : ` (${percent} %)`;
  if (text) $("doing").textContent = text + done;
  else if (what !== "processing") $("doing").textContent = "";
  tidy();
}

function activity(text, id, failed) {
  const list = $("activity");
  const known = id && [...list.children].find((line) => line.dataset.id === id);
  const line = known || document.createElement("li");
  if (id) line.dataset.id = id;
  line.textContent = text;
  line.toggleAttribute("data-error", Boolean(failed));
  if (!known) list.append(line);
  while (list.children.length > 6) list.firstElementChild.remove();
  tidy();
}

function tidy() {
  const empty = !$("todo").children.length && !$("activity").children.length && !$("doing").textContent;
  document.querySelector(".work").toggleAttribute("data-empty", empty);
}

// ---- what the user does ----

function setMuted(now) {
  muted = now;
  $("mute").ariaPressed = now;
  $("mute").querySelector("use").setAttribute("href", now ? "#i-mic-off" : "#i-mic");
  $("mute").querySelector("span").textContent = now ? "Unmute" : "Mute";
}

/** Does it, or says why it cannot be done. */
const attempt = (act) => Promise.resolve(act()).catch((error) => notice(error.message));

$("mute").addEventListener("click", () => {
  setMuted(!muted);
  attempt(() => call.setMuted(muted));
});
$("interrupt").addEventListener("click", () => attempt(() => call.interrupt()));
$("leave").addEventListener("click", async () => {
  await attempt(() => call.leave());
  show("out");
});
$("chat").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("chat-text");
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  attempt(() => call.type(text));
});
document.addEventListener("keydown", (event) => {
  if (document.body.dataset.phase !== "in" || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") $("interrupt").click();
  else if (event.key === "m" && !event.target.matches("input")) $("mute").click();
});
addEventListener("pagehide", () => call?.leave());
