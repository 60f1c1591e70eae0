// The connection: a WebSocket that comes back by itself and resumes where it was; server-sent events where
// WebSockets are blocked.
import { Events } from "./events.js";

const SLOWEST = 10_000;
const PATIENCE = 1_200;
const ANSWER = 8_000;
//: WebSockets that fail in a row before the page listens to server-sent events instead.
const BLOCKED_AFTER = 2;

export class Wire {
  /** `onFrame(frame)`; `onState("open" | "lost" | "gone")`. */
  constructor({ socket, events, position, onFrame, onState }) {
    Object.assign(this, { path: socket, position, onFrame, onState });
    this.events = new Events(events, this);
    this.asked = new Map();
    this.failures = 0;
    addEventListener("online", () => {
      this.failures = 0;
      this.again(0);
    });
    addEventListener("offline", () => this.drop());
    addEventListener("pageshow", (event) => event.persisted && this.again(0));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.open) this.again(0);
    });
    this.connect();
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Send a command and wait for its answer; rejects when the connection is not there or does not answer. */
  ask(command) {
    if (!this.open) return Promise.reject(new Error("not connected"));
    return new Promise((resolve, reject) => {
      const settle = (how, value) => {
        clearTimeout(timer);
        this.asked.delete(command.key);
        how(value);
      };
      const timer = setTimeout(() => settle(reject, new Error("no answer")), ANSWER);
      this.asked.set(command.key, { answer: (frame) => settle(resolve, frame), fail: (why) => settle(reject, why) });
      this.socket.send(JSON.stringify(command));
    });
  }

  /** Send a command that has no answer; whether it could be sent. */
  tell(command) {
    if (this.open) this.socket.send(JSON.stringify(command));
    return this.open;
  }

  connect() {
    clearTimeout(this.timer);
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("since", this.position);
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.addEventListener("open", () => this.opened(socket));
    socket.addEventListener("message", (message) => this.took(socket, JSON.parse(message.data)));
    socket.addEventListener("close", (event) => this.closed(socket, event.code));
  }

  opened(socket) {
    if (socket !== this.socket) return;
    this.failures = 0;
    this.events.close();
    this.calm();
  }

  /** A frame from either connection. */
  took(from, frame) {
    if (from !== this.socket && from !== this.events) return;
    const waiting = this.asked.get(frame.key);
    if (waiting) waiting.answer(frame);
    else this.onFrame(frame);
    if (frame.position > this.position && frame.type !== "hello") this.position = frame.position;
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    for (const waiting of [...this.asked.values()]) waiting.fail(new Error("connection lost"));
    if ([4400, 4401, 4403, 4404].includes(code)) {
      this.onState("gone");
      return;
    }
    this.failures += 1;
    if (this.failures >= BLOCKED_AFTER && navigator.onLine) this.events.open();
    if (!this.events.listening) this.worry();
    const wait = Math.min(SLOWEST, 400 * 2 ** Math.min(this.failures, 6));
    this.again(wait / 2 + (Math.random() * wait) / 2);
  }

  /** The network is known to be gone; the socket would not notice for a long while. */
  drop() {
    const socket = this.socket;
    this.events.close();
    this.closed(socket, 1006);
    socket?.close();
    this.show("lost");
  }

  again(wait) {
    if (this.socket || this.shown === "gone") return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  /** A short break is nobody's business. */
  worry() {
    this.worried ??= setTimeout(() => this.show("lost"), PATIENCE);
  }

  calm() {
    clearTimeout(this.worried);
    this.worried = null;
    this.show("open");
  }

  show(state) {
    if (this.shown === state) return;
    this.shown = state;
    this.onState(state);
  }
}
