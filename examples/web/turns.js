// Who speaks when, from the levels of both sides, and how long each waits for the other.
//
// Blocks of 10 ms are the clock: both levels of a block are of the same 10 ms, so what is measured here is
// what the user hears, network and jitter buffer included. No sound card or speaker is in it.

/** Length of a block, ms. */
export const BLOCK_MS = 10;

const SILENCE = 25; // blocks without voice that end a stretch of speech
const UTTERANCE = 12; // voiced blocks that make sound an utterance, no click
const CERTAIN = 8; // blocks after the agent's first sound in which the user may still prove to go on
const GAP = 20; // blocks of silence before what the agent says is an answer
const LATE = 100; // blocks that an agent may go on after the user's last sound and still answer it
const CUT_IN = 20; // blocks the agent has spoken for when the user cuts in, not just collides
const STOPPED = 60; // blocks of silence after which the agent has stopped
const LONGEST = 1500; // blocks after which nothing is an answer any more

/** One side: its voiced blocks, and the stretch of speech that they belong to. */
class Side {
  /** RMS below which nothing is voice, and whether noise may raise it. */
  constructor(least, adapts) {
    this.least = least;
    this.adapts = adapts;
    this.floor = least / 4;
    this.recent = 0; // the last five blocks, a bit each
    this.first = -1; // of the present or last stretch
    this.last = -1;
    this.voiced = 0;
    this.speaking = false;
  }

  /** Takes a block; true if a stretch of speech began (at `first`, up to four blocks ago). */
  take(now, level) {
    if (this.adapts) this.floor += (level - this.floor) * (level < this.floor ? 0.05 : 0.001);
    const loud = level > Math.max(this.least, this.adapts ? this.floor * 3.5 : 0);
    this.recent = ((this.recent << 1) | (loud ? 1 : 0)) & 31;
    if (this.speaking) {
      if (loud) {
        this.last = now;
        this.voiced++;
      }
      this.speaking = now - this.last < SILENCE;
      return false;
    }
    const bits = this.recent;
    const count = (bits & 1) + ((bits >> 1) & 1) + ((bits >> 2) & 1) + ((bits >> 3) & 1) + ((bits >> 4) & 1);
    if (count < 3) return false;
    this.speaking = true;
    this.voiced = count;
    this.first = now - (31 - Math.clz32(bits));
    this.last = now;
    return true;
  }
}

/** Finds answers and interruptions in two levels. */
export class Turns {
  #now = 0;
  #you = new Side(0.006, true);
  #agent = new Side(0.002, false);
  #waiting = null; // the utterance that is not answered: {last}
  #answer = null; // an answer that the user may yet talk over: {from, to}
  #cut = null; // where the user cut in: {from}

  /** Blocks taken so far. */
  get now() {
    return this.#now;
  }

  /**
   * Takes the RMS (0 to 1) of a block of both sides.
   *
   * Returns what became certain: `{type: "answer", from, to}` from the user's last sound to the agent's first, or
   * `{type: "stopped", from, to}` from the user's first sound to the agent's last, in blocks since the beginning.
   */
  take(youLevel, agentLevel) {
    const now = this.#now++;
    const found = [];
    const before = this.#agent.last;
    const agentBegan = this.#agent.take(now, agentLevel);
    const spokeFor = this.#agent.speaking ? now - this.#agent.first : 0;
    if (this.#you.take(now, youLevel) && spokeFor >= CUT_IN) this.#cut = { from: this.#you.first };

    const you = this.#you;
    if (you.voiced >= UTTERANCE && you.last === now) this.#waiting = { last: now };
    this.#confirm(now, found);
    if (this.#waiting) {
      const { last } = this.#waiting;
      const { first } = this.#agent;
      if (agentBegan && first > last && first - before >= GAP) {
        this.#answer = { from: last, to: first };
        this.#waiting = null;
      } else if ((this.#agent.speaking && this.#agent.last > last + LATE) || now - last > LONGEST) {
        this.#waiting = null;
      }
    }
    this.#stopped(now, found);
    return found;
  }

  /** An answer counts once the user has let the agent speak. */
  #confirm(now, found) {
    const answer = this.#answer;
    if (!answer) return;
    if (this.#you.last >= answer.to) {
      this.#answer = null;
    } else if (now - answer.to >= CERTAIN) {
      found.push({ type: "answer", ...answer });
      this.#answer = null;
    }
  }

  #stopped(now, found) {
    const cut = this.#cut;
    if (!cut) return;
    if (now - cut.from > 300) {
      this.#cut = null;
    } else if (now - this.#agent.last >= STOPPED) {
      if (this.#you.voiced >= UTTERANCE && this.#agent.last >= cut.from) {
        found.push({ type: "stopped", from: cut.from, to: this.#agent.last + 1 });
      }
      this.#cut = null;
    }
  }
}

/** The median of numbers; NaN of none. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
