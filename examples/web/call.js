// The call: a LiveKit room with an agent in it, told as a few events.
//
// | event      | detail |
// |------------|--------|
// | `phase`    | "connecting", "waiting" (no agent yet), "in", "reconnecting" |
// | `state`    | what the agent does: "listening", "thinking", "speaking", … |
// | `segment`  | {id, who, name, text, final}: all of a segment so far |
// | `envelope` | a JSON message of the agent: status, todo, tool_call, … |
// | `tracks`   | {you, agent}: MediaStreamTracks or null |
// | `trouble`  | what went wrong, in words; the call goes on |
// | `ended`    | why it is over, in words; empty if the user left |

import {
  ConnectionError,
  ConnectionErrorReason,
  DisconnectReason,
  LogLevel,
  Room,
  RoomEvent,
  Track,
  setLogLevel,
} from "./node_modules/livekit-client/dist/livekit-client.esm.mjs";

setLogLevel(LogLevel.warn);

const AGENT_WAIT_MS = 20_000; // frontends give an agent this long to be there

const ENDED = {
  [DisconnectReason.CLIENT_INITIATED]: "",
  [DisconnectReason.DUPLICATE_IDENTITY]: "You joined this room from another place.",
  [DisconnectReason.SERVER_SHUTDOWN]: "The server was shut down.",
  [DisconnectReason.PARTICIPANT_REMOVED]: "You were removed from the room.",
  [DisconnectReason.ROOM_DELETED]: "The room was closed.",
  [DisconnectReason.ROOM_CLOSED]: "The room was closed.",
};

export class Call extends EventTarget {
  #room = new Room({ publishDefaults: { dtx: true, red: false } });
  #agent = null;
  #patience = 0;
  #sound = document.createElement("audio");

  constructor() {
    super();
    this.#listen();
  }

  /** Joins; rejects with an Error whose message is for the user. */
  async join(url, token) {
    this.#tell("phase", "connecting");
    const room = this.#room;
    // The microphone is recorded from now on, and the agent hears what was said before it came.
    const microphone = room.localParticipant.setMicrophoneEnabled(true, undefined, { preConnectBuffer: true });
    microphone.catch((error) => this.#tell("trouble", withoutMicrophone(error)));
    try {
      await room.connect(url, token);
    } catch (error) {
      this.leave();
      throw new Error(notConnected(error, url));
    }
    this.#look();
    await microphone.catch(() => {});
    this.#tracks();
  }

  get place() {
    return this.#room.name;
  }

  /** Sends what the user typed. */
  async type(text) {
    const { localParticipant } = this.#room;
    const { id } = await localParticipant.sendText(text, { topic: "lk.chat" });
    this.#tell("segment", { id, who: "you", name: "You", text, final: true });
  }

  /** Asks the agent to be silent. */
  async interrupt() {
    const envelope = { v: 1, type: "control", data: { action: "interrupt" } };
    await this.#room.localParticipant.publishData(new TextEncoder().encode(JSON.stringify(envelope)), {
      reliable: true,
      topic: "duologue",
    });
  }

  async setMuted(muted) {
    await this.#room.localParticipant.setMicrophoneEnabled(!muted);
    this.#tracks();
  }

  async leave() {
    clearTimeout(this.#patience);
    this.#sound.remove();
    await this.#room.disconnect();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #listen() {
    const room = this.#room;
    room.registerTextStreamHandler("lk.transcription", (reader, { identity }) => this.#hear(reader, identity));
    room.registerTextStreamHandler("lk.chat", async (reader, { identity }) => {
      const { id } = reader.info;
      this.#tell("segment", { id, ...this.#who(identity), text: await reader.readAll(), final: true });
    });
    room
      .on(RoomEvent.ParticipantConnected, () => this.#look())
      .on(RoomEvent.ParticipantDisconnected, (who) => this.#gone(who))
      .on(RoomEvent.ParticipantAttributesChanged, (_, who) => who === this.#agent && this.#state())
      .on(RoomEvent.TrackSubscribed, (track) => this.#play(track))
      .on(RoomEvent.TrackUnsubscribed, (track) => {
        track.detach(this.#sound);
        this.#tracks();
      })
      .on(RoomEvent.LocalTrackPublished, () => this.#tracks())
      .on(RoomEvent.DataReceived, (bytes) => this.#read(bytes))
      .on(RoomEvent.SignalReconnecting, () => this.#tell("phase", "reconnecting"))
      .on(RoomEvent.Reconnecting, () => this.#tell("phase", "reconnecting"))
      .on(RoomEvent.Reconnected, () => this.#look())
      .on(RoomEvent.Disconnected, (reason) => {
        clearTimeout(this.#patience);
        this.#tell("ended", ENDED[reason] ?? "The connection was lost.");
      });
  }

  /** Looks for the agent, and says where the call stands. */
  #look() {
    const agent = [...this.#room.remoteParticipants.values()].find((who) => who.isAgent) ?? null;
    if (agent !== this.#agent) this.#agent = agent;
    clearTimeout(this.#patience);
    if (agent) {
      this.#tell("phase", "in");
      this.#state();
    } else {
      this.#tell("phase", "waiting");
      this.#patience = setTimeout(() => {
        this.#tell("trouble", `No agent has come to the room “${this.place}” yet. Is a worker running?`);
      }, AGENT_WAIT_MS);
    }
  }

  #gone(who) {
    if (who !== this.#agent) return;
    this.#agent = null;
    this.#tell("trouble", "The agent has left.");
    this.#look();
  }

  #state() {
    this.#tell("state", this.#agent?.attributes["lk.agent.state"] ?? "initializing");
  }

  #play(track) {
    if (track.kind !== Track.Kind.Audio) return;
    document.body.append(this.#sound);
    track.attach(this.#sound);
    this.#tracks();
  }

  #tracks() {
    const track = (who) => who?.getTrackPublication(Track.Source.Microphone)?.track?.mediaStreamTrack ?? null;
    this.#tell("tracks", { you: track(this.#room.localParticipant), agent: track(this.#agent) });
  }

  #who(identity) {
    if (identity === this.#room.localParticipant.identity) return { who: "you", name: "You" };
    const participant = this.#room.remoteParticipants.get(identity);
    if (participant?.isAgent) return { who: "agent", name: "Agent" };
    return { who: "other", name: participant?.name || identity };
  }

  /** A stream holds a segment, or replaces what an earlier one held of it; its end may say that it is final. */
  async #hear(reader, identity) {
    const who = this.#who(identity);
    const id = reader.info.attributes?.["lk.segment_id"] ?? reader.info.id;
    let text = "";
    try {
      for await (const piece of reader) {
        text += piece;
        this.#tell("segment", { id, ...who, text, final: false });
      }
    } catch {
      // Its sender is gone: what came is what there is.
    }
    const final = reader.info.attributes?.["lk.transcription_final"] === "true" || who.who === "agent";
    this.#tell("segment", { id, ...who, text, final });
  }

  #read(bytes) {
    let envelope;
    try {
      envelope = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return; // not for us
    }
    if (typeof envelope?.type === "string") this.#tell("envelope", envelope);
  }
}

function withoutMicrophone(error) {
  if (error.name === "NotAllowedError") return "The microphone is blocked: allow it for this page, or type.";
  if (error.name === "NotFoundError") return "No microphone was found. You can type.";
  return `The microphone cannot be used (${error.message}). You can type.`;
}

function notConnected(error, url) {
  if (error instanceof ConnectionError) {
    if (error.reason === ConnectionErrorReason.NotAllowed) {
      return `The server refuses the token (${error.message}). Ask for a fresh one.`;
    }
    return `The server at ${url} cannot be reached. Is it running?`;
  }
  return error.message;
}
