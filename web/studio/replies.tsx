/** What is said where an act was done: a refusal, or that the server is busy and is asked again. */

import { signal } from "@preact/signals";
import { Refused } from "./api";
import { Icon } from "./icons";
import { now, type Say } from "./state";

const USUAL_WAIT_SECONDS = 2;
/** For so long a server that does not answer is asked again: later nobody remembers having pressed the button. */
const ABSENCE_SECONDS = 60;
const ABSENT = new Set(["UNAVAILABLE", "UNREACHABLE"]);

const replies = signal<ReadonlyMap<string, Say>>(new Map());
/** The request that is being made at each place; a newer one there ends the waiting of the older. */
const turns = new Map<string, object>();

export function reply(place: string, word: Say | null): void {
  const all = new Map(replies.value);
  if (word) all.set(place, word);
  else all.delete(place);
  replies.value = all;
}

/** Whether what is said at a place can be read: its row may have gone meanwhile. */
export const isHeard = (place: string): boolean => document.querySelector(`[data-at="${CSS.escape(place)}"]`) !== null;

/** Take back what was said at a place, and ask no more for it. */
export function hush(place: string): void {
  turns.delete(place);
  reply(place, null);
}

/**
 * Make a request again and again while the server is too busy for it; null if nobody wants it any more. What may be
 * done twice without harm is also asked again while the server is away for a moment.
 */
export async function insist<T>(place: string, request: () => Promise<T>, say: (word: Say) => void, isHarmless = false): Promise<T | null> {
  const turn = {};
  turns.set(place, turn);
  const until = isHarmless ? Date.now() + ABSENCE_SECONDS * 1_000 : 0;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const isAway = ABSENT.has(error.code);
      if (error.code !== "BUSY" && !(isAway && Date.now() < until)) throw error;
      const seconds = error.retryAfter || USUAL_WAIT_SECONDS;
      const title = isAway ? "The server is away for the moment." : error.message;
      say({ tone: "busy", title, text: "", again: Date.now() / 1_000 + seconds });
      await new Promise((wake) => setTimeout(wake, seconds * 1_000));
      if (turns.get(place) !== turn) return null;
    }
  }
}

/** When a busy server is asked again, as a sentence. */
export function againIn(word: Say): string {
  if (!word.again) return "";
  return `Again in ${Math.max(1, Math.ceil(word.again - now.value))} s.`;
}

export function Reply({ at }: { at: string }) {
  const word = replies.value.get(at);
  if (!word) return null;
  return (
    <div class={`say reply say-${word.tone}`} role="status" data-reply={word.tone} data-at={at}>
      {word.tone === "busy" ? <Icon name="spinner" className="spin" /> : <Icon name="refused" />}
      <p>
        <strong>{word.title}</strong> {word.text} {againIn(word)}
      </p>
      <button type="button" class="link" data-act="hush" onClick={() => hush(at)}>
        {word.tone === "busy" ? "Stop asking" : "Close"}
      </button>
    </div>
  );
}
