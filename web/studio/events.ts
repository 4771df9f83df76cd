/** The stream of events: in order, none lost, resumed from the last one seen. */

import type { WorldEvent } from "./api";
import { link } from "./state";

const FIRST_PAUSE_SECONDS = 1;
const LONGEST_PAUSE_SECONDS = 15;

type Take = (events: WorldEvent[]) => void;

/** Follow the world from an event on. Events are handed over once per frame; `resumed` runs after a gap. */
export class Stream {
  private source: EventSource | null = null;
  private waiting: WorldEvent[] = [];
  private scheduled = false;
  private pause = FIRST_PAUSE_SECONDS;
  private retry = 0;

  constructor(
    private since: number,
    private readonly take: Take,
    private readonly resumed: () => void,
  ) {
    this.open();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.hurry();
    });
  }

  private open(): void {
    clearTimeout(this.retry);
    const source = new EventSource(`/api/events?since=${this.since}`);
    this.source = source;
    source.onopen = () => {
      this.pause = FIRST_PAUSE_SECONDS;
      const before = link.value.state;
      link.value = { state: "open", since: Date.now(), nextTry: 0 };
      if (before === "lost") this.resumed();
    };
    source.onmessage = (message) => {
      const event = JSON.parse(message.data as string) as WorldEvent;
      this.since = Math.max(this.since, event.seq);
      this.waiting.push(event);
      this.schedule();
    };
    source.addEventListener("down", () => {
      if (link.value.state !== "down") link.value = { state: "down", since: Date.now(), nextTry: 0 };
    });
    source.addEventListener("up", () => {
      link.value = { state: "open", since: Date.now(), nextTry: 0 };
      this.resumed();
    });
    source.onerror = () => this.lose(source);
  }

  // The browser would reconnect by itself, but it cannot say when: the page counts down to its own try.
  private lose(source: EventSource): void {
    source.close();
    if (source !== this.source) return;
    this.source = null;
    const since = link.value.state === "lost" ? link.value.since : Date.now();
    link.value = { state: "lost", since, nextTry: Date.now() + this.pause * 1_000 };
    this.retry = window.setTimeout(() => this.open(), this.pause * 1_000);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_SECONDS);
  }

  /** Try at once if it waits for its next try. */
  hurry(): void {
    if (this.source === null) this.open();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const hand = (): void => {
      this.scheduled = false;
      const events = this.waiting;
      this.waiting = [];
      this.take(events);
    };
    // A hidden page draws no frames; its map is still kept true.
    if (document.hidden) setTimeout(hand, 100);
    else requestAnimationFrame(hand);
  }
}
