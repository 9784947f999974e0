// The page's own measure of latency, on levels whose answer is known.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns, median } from "../../examples/web/turns.js";

const VOICE = 0.1;

/** What `Turns` finds in stretches of sound, each [begin, end) in blocks. */
function found({ you = [], agent = [], blocks = 1000, noise = 0.0005 }) {
  const turns = new Turns();
  const level = (stretches, at) => (stretches.some(([from, to]) => from <= at && at < to) ? VOICE : 0);
  return Array.from({ length: blocks }, (_, at) => turns.take(level(you, at) + noise, level(agent, at))).flat();
}

test("an answer is measured from the last sound to the first", () => {
  assert.deepEqual(found({ you: [[100, 200]], agent: [[227, 400]] }), [{ type: "answer", from: 199, to: 227 }]);
});

test("a pause between words is no end", () => {
  const you = [[100, 150], [170, 200]];
  assert.deepEqual(found({ you, agent: [[240, 400]] }), [{ type: "answer", from: 199, to: 240 }]);
});

test("a pause between the agent's clauses is no answer", () => {
  assert.equal(found({ you: [[100, 200]], agent: [[227, 300], [340, 400]] }).length, 1);
});

test("a click is no question", () => {
  assert.deepEqual(found({ you: [[100, 106]], agent: [[150, 400]] }), []);
});

test("what the user talks over was no answer", () => {
  const you = [[100, 200], [230, 300]];
  assert.deepEqual(found({ you, agent: [[226, 228], [340, 500]] }), [{ type: "answer", from: 299, to: 340 }]);
});

test("the agent's silence is measured when the user cuts in", () => {
  assert.deepEqual(found({ you: [[300, 400]], agent: [[100, 322], [450, 600]] }), [
    { type: "stopped", from: 300, to: 322 },
    { type: "answer", from: 399, to: 450 },
  ]);
});

test("an uhhuh neither stops the agent nor is answered", () => {
  assert.deepEqual(found({ you: [[300, 330]], agent: [[100, 600], [640, 700]] }), []);
});

test("an agent that speaks first answers nobody", () => {
  assert.deepEqual(found({ agent: [[100, 300]] }), []);
});

test("steady noise is no voice", () => {
  const turns = new Turns();
  const events = Array.from({ length: 3000 }, (_, at) => turns.take(0.004, at > 2000 ? VOICE : 0)).flat();
  assert.deepEqual(events, []);
});

test("the median of an even number is between the middle two", () => {
  assert.equal(median([300, 100, 200, 400]), 250);
  assert.equal(median([5]), 5);
});
