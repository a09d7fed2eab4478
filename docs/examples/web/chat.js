// @ts-check
/**
 * A client of Muster's chat, to be copied. It connects, comes back by itself, catches up with what it missed, applies each
 * event of a room once and in order, and sends a message until it is acknowledged: sent twice, it is one message.
 *
 * It needs `fetch`, `WebSocket` and `crypto.randomUUID`, which browsers and Node.js 22 have, and nothing else.
 *
 * ```js
 * const chat = new Chat({
 *   base: "https://club.example",
 *   headers: async () => ({ authorization: `Bearer ${await accessToken()}` }),
 *   onEvent: (event) => show(event),
 * });
 * chat.join(42, 1007); // with the last number that is known; 0 for all of it
 * chat.start();
 * const sent = await chat.send(42, { content: "See you on Tuesday!" });
 * ```
 *
 * @typedef {{ id: number, room_id: number, seq: number, user_id: number, user_name: string, content: string | null,
 *   title: string | null, client_id: string | null, reply_to: number | null, pinned: boolean, timestamp: string,
 *   edited_at: string | null, deleted_at: string | null }} Message
 * @typedef {{ type: "event", room: number, seq: number, event: string, actor_id: number | null, timestamp: string,
 *   message?: Message, message_id?: number, emoji?: string, user_id?: number }} RoomEvent
 * @typedef {{ seq: number, message_id: number, duplicate: boolean }} Ack
 * @typedef {{ content: string, title?: string, reply_to?: number }} Words
 * @typedef {"connecting" | "connected" | "waiting" | "signed_out" | "stopped"} State
 *
 * @typedef {object} Options
 * @property {string} base Where the server is, as in `https://club.example`.
 * @property {() => Promise<Record<string, string>>} [headers] What says who one is, for REST and for tickets. Without it,
 *   the cookies of a page of the same origin do.
 * @property {(event: RoomEvent) => void} onEvent Each event of a room: once, in order, without a hole.
 * @property {(room: number) => void} [onReset] What is known of a room counts no longer: its events come again from the
 *   first on.
 * @property {(said: any) => void} [onSignal] What does not last: `typing`, `presence`, `read`, and events of rooms that were
 *   not joined, such as being added to one.
 * @property {(room: number) => void} [onRefused] One is not in that room, or not any more.
 * @property {(state: State) => void} [onState] How the connection is.
 * @property {typeof fetch} [fetch] Another one than the usual: with cookies, one that refreshes them when they have expired.
 * @property {typeof WebSocket} [WebSocket] Another one than the usual.
 */

/** Rooms of one request. */
const MOST_ROOMS = 200;
/** Events of one answer. */
const MOST_EVENTS = 500;

/** Why a message was not taken. */
export class Refused extends Error {
  /**
   * @param {string} code
   * @param {string} detail
   */
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

export class Chat {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    /** Of each room: the last number that was applied, of which epoch it is, and what goes on.
     * @type {Map<number, { last: number, epoch: string | null, asking: boolean, catchingUp: boolean, waiting: RoomEvent[] }>} */
    this.rooms = new Map();
    /** What is not acknowledged yet, in the order in which it was sent.
     * @type {Map<string, { frame: object, resolve: (ack: Ack) => void, reject: (why: Error) => void }>} */
    this.unsent = new Map();
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {string | null} */
    this.epoch = null;
    this.running = false;
    /** Which connection counts: stopping ends also one that is only being made. */
    this.attempt = 0;
    this.failures = 0;
    this.heard = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.beat = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.later = undefined;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    void this.connect();
  }

  stop() {
    this.running = false;
    this.attempt += 1;
    clearTimeout(this.later);
    clearInterval(this.beat);
    this.socket?.close(1000);
    this.socket = null;
    this.giveUp(new Refused("stopped", "The chat was stopped before this was acknowledged."));
    this.state("stopped");
  }

  /**
   * Listens to a room, from the last number on that is known of it. Whoever keeps numbers for longer keeps the `epoch` beside
   * them, and gives it here.
   * @param {number} room
   * @param {number} [last]
   * @param {string | null} [epoch]
   */
  join(room, last = 0, epoch = this.epoch) {
    this.rooms.set(room, { last, epoch, asking: false, catchingUp: false, waiting: [] });
    this.subscribe([room]);
  }

  /** @param {number} room */
  part(room) {
    this.rooms.delete(room);
    this.say({ type: "unsubscribe", rooms: [room] });
  }

  /**
   * Sends a message. What is returned is kept once the server has it for good; while there is no connection, it waits.
   * @param {number} room
   * @param {Words} words
   * @returns {Promise<Ack>}
   */
  send(room, words) {
    const id = crypto.randomUUID();
    const frame = { type: "send", id, room, client_id: id, ...words };
    return new Promise((resolve, reject) => {
      this.unsent.set(id, { frame, resolve, reject });
      this.say(frame);
    });
  }

  /**
   * Has read a room up to here.
   * @param {number} room
   * @param {number} seq
   */
  read(room, seq) {
    this.say({ type: "read", room, seq });
  }

  /** @param {number} room */
  typing(room) {
    this.say({ type: "typing", room });
  }

  // What follows is not for others.

  /** @param {State} state */
  state(state) {
    this.options.onState?.(state);
  }

  /** @param {object} frame */
  say(frame) {
    // What lasts is said again after the next connection.
    if (this.socket?.readyState === 1 && this.epoch !== null) this.socket.send(JSON.stringify(frame));
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async rest(path, init = {}) {
    const headers = { accept: "application/json", ...(await this.options.headers?.()) };
    const ask = this.options.fetch ?? fetch;
    const answer = await ask(`${this.options.base}/api${path}`, { ...init, headers, credentials: "include" });
    if (!answer.ok) {
      const problem = await answer.json().catch(() => ({}));
      throw new Refused(problem.code ?? `http_${answer.status}`, problem.detail ?? answer.statusText);
    }
    return answer.json();
  }

  async connect() {
    this.attempt += 1;
    const attempt = this.attempt;
    this.state("connecting");
    let url = `${this.options.base.replace(/^http/, "ws")}/api/chat/ws`;
    try {
      // Pages can send no header with a socket; a ticket says who they are, once.
      if (this.options.headers) url += `?ticket=${(await this.rest("/chat/tickets", { method: "POST" })).ticket}`;
      // With cookies a socket that is refused does not say why; this does.
      else await this.rest("/users/me");
    } catch (why) {
      if (attempt !== this.attempt) return;
      if (why instanceof Refused && why.code === "unauthenticated") return this.over();
      return this.again();
    }
    if (attempt !== this.attempt) return;
    const socket = new (this.options.WebSocket ?? WebSocket)(url, "chat.v1");
    this.socket = socket;
    socket.onmessage = (message) => {
      if (this.socket !== socket) return;
      this.heard = Date.now();
      this.hear(JSON.parse(String(message.data)));
    };
    socket.onclose = (close) => {
      if (this.socket !== socket) return;
      this.socket = null;
      clearInterval(this.beat);
      if (close.code >= 4500) this.over();
      else this.again();
    };
  }

  over() {
    this.running = false;
    this.giveUp(new Refused("signed_out", "One is signed out; this was not acknowledged."));
    this.state("signed_out");
  }

  /** @param {Error} why */
  giveUp(why) {
    for (const { reject } of this.unsent.values()) reject(why);
    this.unsent.clear();
  }

  /** Connects again after a while: longer each time, and not at the same time as everybody else. */
  again() {
    if (!this.running) return;
    this.state("waiting");
    const wait = Math.min(30_000, 500 * 2 ** this.failures) * (0.5 + Math.random());
    this.failures = Math.min(this.failures + 1, 10);
    clearTimeout(this.later);
    this.later = setTimeout(() => void this.connect(), wait);
  }

  /** @param {any} said */
  hear(said) {
    switch (said.type) {
      case "hello":
        return this.greeted(said);
      case "event":
        return this.happened(said);
      case "subscribed":
        for (const id of Object.keys(said.heads)) {
          const room = this.rooms.get(Number(id));
          if (room) Object.assign(room, { epoch: this.epoch, asking: false });
        }
        for (const room of Object.keys(said.refused ?? {})) {
          this.rooms.delete(Number(room));
          this.options.onRefused?.(Number(room));
        }
        return;
      case "reset":
        return void this.catchUp(said.room, said.reason);
      case "ack": {
        const sent = this.unsent.get(said.id);
        this.unsent.delete(said.id);
        return sent?.resolve({ seq: said.seq, message_id: said.message_id, duplicate: said.duplicate });
      }
      case "error":
        return this.failed(said);
      case "pong":
        return;
      default:
        return this.options.onSignal?.(said);
    }
  }

  /** @param {{ epoch: string, heartbeat_ms: number }} hello */
  greeted(hello) {
    this.failures = 0;
    this.epoch = hello.epoch;
    this.state("connected");
    for (const room of this.rooms.values()) room.asking = false;
    this.subscribe([...this.rooms.keys()]);
    for (const { frame } of this.unsent.values()) this.say(frame);
    // The server's own pings are hidden from pages: whether it is still there is seen by asking.
    clearInterval(this.beat);
    this.beat = setInterval(() => {
      if (Date.now() - this.heard > hello.heartbeat_ms * 2) this.socket?.close(4000);
      else this.say({ type: "ping" });
    }, hello.heartbeat_ms);
  }

  /**
   * Asks for what was missed. A number counts only with the epoch that it is of.
   * @param {number[]} ids
   */
  subscribe(ids) {
    if (this.epoch === null) return;
    /** @type {Map<string, [number, number][]>} */
    const known = new Map();
    for (const id of ids) {
      const room = this.rooms.get(id);
      if (!room || room.asking) continue;
      room.asking = true;
      const epoch = room.epoch ?? this.epoch;
      known.set(epoch, [...(known.get(epoch) ?? []), [id, room.last]]);
    }
    for (const [epoch, rooms] of known) {
      for (let at = 0; at < rooms.length; at += MOST_ROOMS) {
        const part = Object.fromEntries(rooms.slice(at, at + MOST_ROOMS));
        this.say({ type: "subscribe", id: "rooms", epoch, rooms: part });
      }
    }
  }

  /** @param {RoomEvent} event */
  happened(event) {
    const room = this.rooms.get(event.room);
    if (!room) return this.options.onSignal?.(event);
    if (room.catchingUp) return void room.waiting.push(event);
    if (event.seq <= room.last) return;
    // There is a hole: what is missing comes before this comes again.
    if (event.seq > room.last + 1) return this.subscribe([event.room]);
    room.last = event.seq;
    this.options.onEvent(event);
  }

  /**
   * Too much was missed to be sent again: it is read.
   * @param {number} id
   * @param {string} reason
   */
  async catchUp(id, reason) {
    const room = this.rooms.get(id);
    if (!room || room.catchingUp) return;
    room.catchingUp = true;
    room.epoch = this.epoch;
    const isStillWanted = () => this.rooms.get(id) === room;
    try {
      if (reason === "epoch" || reason === "ahead") {
        // The server's past is another one than it was: a backup was put in its place.
        room.last = 0;
        this.options.onReset?.(id);
      }
      for (let more = true; more; ) {
        const { items, head } = await this.rest(`/rooms/${id}/events?after=${room.last}&limit=${MOST_EVENTS}`);
        if (!isStillWanted()) return;
        for (const event of items) {
          room.last = event.seq;
          this.options.onEvent(event);
        }
        more = items.length > 0 && room.last < head;
        if (items.length === 0) room.last = head;
      }
    } catch {
      // The connection is not what it was; what is missing is asked for with the next.
      this.socket?.close(4000);
    } finally {
      room.catchingUp = false;
    }
    for (const event of room.waiting.splice(0)) this.happened(event);
  }

  /** @param {{ id?: string, room?: number, code: string, detail?: string, retry_after_ms?: number }} error */
  failed(error) {
    if (error.room !== undefined) {
      this.rooms.delete(error.room);
      return this.options.onRefused?.(error.room);
    }
    const sent = error.id === undefined ? undefined : this.unsent.get(error.id);
    const passes = error.code === "rate_limited" || error.code === "unavailable";
    if (sent && passes) {
      setTimeout(() => this.say(sent.frame), error.retry_after_ms ?? 1000);
    } else if (sent && error.id !== undefined) {
      this.unsent.delete(error.id);
      sent.reject(new Refused(error.code, error.detail ?? error.code));
    } else if (error.id === "rooms" && passes) {
      setTimeout(() => {
        for (const room of this.rooms.values()) room.asking = false;
        this.subscribe([...this.rooms.keys()]);
      }, error.retry_after_ms ?? 1000);
    }
  }
}
