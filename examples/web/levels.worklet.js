// Levels of both sides, on one clock: a block of 10 ms of the microphone and of the agent at a time.

class Levels extends AudioWorkletProcessor {
  #size = Math.round(sampleRate / 100);
  #filled = 0;
  #sums = [0, 0];

  process(inputs) {
    const length = inputs.reduce((longest, [channel]) => Math.max(longest, channel?.length ?? 0), 0) || 128;
    for (let i = 0; i < length; i++) {
      for (let side = 0; side < 2; side++) {
        const sample = inputs[side][0]?.[i] ?? 0;
        this.#sums[side] += sample * sample;
      }
      if (++this.#filled === this.#size) {
        this.port.postMessage(this.#sums.map((sum) => Math.sqrt(sum / this.#size)));
        this.#sums = [0, 0];
        this.#filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("levels", Levels);
