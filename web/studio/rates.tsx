/** What each model does now: its line, its rate, how long a call takes, and whether it is held. */

import type { ModelState } from "./api";
import { Dot, Icon } from "./icons";
import { Reply } from "./replies";
import { pauseModel } from "./steering";
import { models, nameOfModel, now, paused, status, statusAt } from "./state";
import { age, perMinute, seconds } from "./words";

export function Rates() {
  const known = new Map((status.value?.models ?? []).map((one) => [one.model_id, one]));
  const all = [...known.values()];
  const busy = all.filter(isBusy).sort((a, b) => b.in_hands + b.pending - a.in_hands - a.pending);
  // A model without any history is not in the figures; it can still be paused.
  const rest = models.value.filter((one) => one.available && !busy.some((other) => other.model_id === one.model_id));
  if (all.length + rest.length === 0) return null;
  return (
    <section class="rates" aria-label="Models">
      {busy.map((one) => (
        <Line key={one.model_id} of={one} />
      ))}
      {rest.length > 0 && (
        <details class="idle-models">
          <summary>
            <Icon name="chevron" size={14} />
            {rest.length} idle {rest.length === 1 ? "model" : "models"}
          </summary>
          {rest.map((one) => (
            <Line key={one.model_id} of={known.get(one.model_id) ?? idle(one.model_id)} />
          ))}
        </details>
      )}
    </section>
  );
}

const isBusy = (one: ModelState): boolean => one.in_hands + one.pending > 0 || one.paused || one.until_seconds > 0;

function idle(model_id: string): ModelState {
  return { model_id, paused: false, until_seconds: 0, reason: "", rate_per_minute: 0, seconds_p50: null, seconds_p90: null, in_hands: 0, pending: 0 };
}

/** How long the model's rate limit lasts from now on. */
export const limitedFor = (one: ModelState): number => Math.max(0, one.until_seconds - Math.max(0, now.value - statusAt.value));

function Line({ of: one }: { of: ModelState }) {
  const name = nameOfModel(one.model_id);
  const limit = limitedFor(one);
  const word = wordFor(one, limit);
  return (
    <div class="rate" data-rate={one.model_id} data-paused={one.paused} data-limited={limit > 0}>
      <Dot shape={one.paused ? "off" : limit > 0 ? "limited" : one.in_hands > 0 ? "well" : "idle"} />
      <div class="rate-text">
        <p class="rate-head">
          <strong title={one.model_id}>{name}</strong>
          <span>{one.rate_per_minute > 0 ? `${perMinute(one.rate_per_minute)} a minute` : ""}</span>
        </p>
        <p class="rate-note">
          <span>{line(one)}</span>
          <span class="dim" title="How long one call takes: half of them, nine of ten">
            {calls(one)}
          </span>
        </p>
        {word && <p class="rate-why">{word}</p>}
      </div>
      <button
        type="button"
        class="quiet square"
        aria-label={`${one.paused ? "Resume" : "Pause"} ${name}`}
        title={one.paused ? "Resume" : "Pause"}
        data-act={one.paused ? "resume-model" : "pause-model"}
        onClick={() => pauseModel(one.model_id, name, !one.paused)}
      >
        <Icon name={one.paused ? "play" : "pause"} />
      </button>
      <Reply at={`model:${one.model_id}`} />
    </div>
  );
}

function line(one: ModelState): string {
  if (one.in_hands + one.pending === 0) return "idle";
  return `${one.in_hands.toLocaleString("en")} in hand, ${one.pending.toLocaleString("en")} waiting`;
}

function calls({ seconds_p50: usual, seconds_p90: long }: ModelState): string {
  if (usual === null) return "";
  return long === null ? seconds(usual) : `${seconds(usual)}, 9 of 10 in ${seconds(long)}`;
}

function wordFor(one: ModelState, limit: number): string {
  if (one.paused) return `Paused${paused.value ? ", like the queue" : ""}. ${one.reason}`.trim();
  if (limit > 0) return `Rate limited. Resumes in ${age(Math.ceil(limit))}. ${one.reason}`.trim();
  return "";
}
