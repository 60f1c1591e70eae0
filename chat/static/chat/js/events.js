// Server-sent events, for networks that let no WebSocket through: settled turns only, resumed by position.
const NAMES = ["generation", "delta", "snapshot", "turn_html_replace", "turn_html_remove", "chat", "story", "reset", "hello"];

export class Events {
  constructor(url, wire) {
    Object.assign(this, { url, wire });
    this.source = null;
  }

  get listening() {
    return this.source?.readyState === EventSource.OPEN;
  }

  open() {
    if (this.source && this.source.readyState !== EventSource.CLOSED) return;
    const url = new URL(this.url, location.href);
    url.searchParams.set("lastEventId", this.wire.position);
    this.source = new EventSource(url);
    this.source.addEventListener("open", () => {
      this.wire.calm();
      this.wire.took(this, { type: "hello", position: this.wire.position });
    });
    this.source.addEventListener("error", () => this.wire.worry());
    this.source.addEventListener("turn_html", (event) => {
      this.wire.took(this, { type: "turn_html", html: event.data, position: positionOf(event) });
    });
    for (const name of NAMES) {
      this.source.addEventListener(name, (event) => {
        this.wire.took(this, { position: positionOf(event), ...JSON.parse(event.data), type: name });
      });
    }
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}

/** Ids are positions, with or without the channel's name before them. */
function positionOf(event) {
  return Number(event.lastEventId.split(":").pop()) || 0;
}
