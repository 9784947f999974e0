// What was said, as it is said: each segment is one line that is replaced in place.

const NEAR_MS = 2000; // between an answer's first sound and its first words

export class Transcript {
  #list;
  #empty;
  #announce;
  #lines = new Map();
  #answers = []; // {line, at} of what the agent said, the last ones
  #mark = null; // {text, at}: measured before the words came

  constructor(list, empty, announce) {
    this.#list = list;
    this.#empty = empty;
    this.#announce = announce;
  }

  clear() {
    this.#list.replaceChildren();
    this.#lines.clear();
    this.#answers = [];
    this.#mark = null;
    this.#empty.hidden = false;
  }

  /** All that is known of a segment: who ("you", "agent", "other") by which name says `text` so far. */
  show({ id, who, name, text, final }) {
    const atEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 48;
    const words = text.trim();
    const line = this.#lines.get(id) ?? (words && this.#add(id, who, name));
    if (!line) return;
    line.querySelector(".text span").textContent = words;
    line.toggleAttribute("data-final", final);
    if (final && !words) this.#drop(id, line);
    if (final && words) this.#announce.textContent = `${name}: ${words}`;
    if (atEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Notes what was measured of the agent's answer that begins now. */
  answered(text) {
    const at = performance.now();
    const last = this.#answers.at(-1);
    if (last && at - last.at < NEAR_MS) this.#note(last.line, text);
    else this.#mark = { text, at };
  }

  /** Notes that the user cut off what the agent said, so many ms ago. */
  cut(text, ago) {
    const then = performance.now() - ago;
    const spoken = this.#answers.findLast(({ at }) => at < then);
    if (spoken) this.#note(spoken.line, text);
  }

  #add(id, who, name) {
    const line = document.createElement("li");
    line.dataset.who = who;
    line.innerHTML = '<span class="who"></span><p class="text"><span></span></p>';
    line.querySelector(".who").textContent = name;
    this.#lines.set(id, line);
    this.#list.append(line);
    this.#empty.hidden = true;
    if (who === "agent") {
      const at = performance.now();
      this.#answers = [...this.#answers.slice(-3), { line, at }];
      if (this.#mark && at - this.#mark.at < NEAR_MS) this.#note(line, this.#mark.text);
      this.#mark = null;
    }
    return line;
  }

  #drop(id, line) {
    line.remove();
    this.#lines.delete(id);
    this.#answers = this.#answers.filter((answer) => answer.line !== line);
    this.#empty.hidden = this.#lines.size > 0;
  }

  #note(line, text) {
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.textContent = text;
    line.querySelector(".text").append(mark);
  }
}
