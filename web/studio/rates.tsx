/** What each model does now: its line, its rate, how long a call takes, and whether it is held. */

import type { ModelState } from "./api";
import { Dot, Icon } from "./icons";
import { Reply } from "./replies";
import { pauseModel } from "./steering";
import { models, nameOfModel, paused, status } from "./state";
import { isSpent, isStopped, limitedFor } from "./waits";
import { countdown, perMinute, price, seconds, sentence } from "./words";

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

const isBusy = (one: ModelState): boolean => one.in_hands + one.pending > 0 || one.paused || limitedFor(one.model_id) > 0;

function idle(model_id: string): ModelState {
  return { model_id, paused: false, state: "ready", daily_budget: null, spent_today: null, until_seconds: 0, reason: "", rate_per_minute: 0, seconds_p50: null, seconds_p90: null, in_hands: 0, pending: 0 };
}

function Line({ of: one }: { of: ModelState }) {
  const name = nameOfModel(one.model_id);
  const limit = limitedFor(one.model_id);
  const stopped = isStopped(one);
  return (
    <div class="rate" data-rate={one.model_id} data-paused={one.paused} data-limited={limit > 0} data-stopped={stopped}>
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
        {one.daily_budget !== null && (
          <p class="rate-note" data-spent={one.model_id}>
            {price(one.spent_today ?? 0)} of {price(one.daily_budget)} spent today
          </p>
        )}
        <Why of={one} name={name} limit={limit} />
      </div>
      {!stopped && (
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
      )}
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

/** What the model asked for when it was asked last; the countdown says it better. */
const HOW_LONG = / It wants no call for [\d.]+ s\.?$/;

/** Why the model is not called now, and the way out. */
function Why({ of: one, name, limit }: { of: ModelState; name: string; limit: number }) {
  if (isStopped(one)) {
    return (
      <>
        <p class="rate-why">
          <strong>Stopped.</strong> {sentence(one.reason)} Nothing is called until somebody resumes it.
        </p>
        <button type="button" class="button" data-act="resume-model" onClick={() => pauseModel(one.model_id, name, false)}>
          <Icon name="play" />
          Resume
        </button>
      </>
    );
  }
  if (one.paused) return <p class="rate-why">Paused{paused.value ? ", like the queue" : ""}.</p>;
  if (one.state === "probing") return <p class="rate-why">{sentence(one.reason)}</p>;
  if (limit <= 0) return null;
  if (isSpent(one)) {
    return (
      <p class="rate-why">
        <strong data-countdown={one.model_id}>Goes on in {countdown(limit)}.</strong> {sentence(one.reason)}
      </p>
    );
  }
  return (
    <>
      <p class="rate-why" title={one.reason}>
        <strong data-countdown={one.model_id}>
          Waits for {name}: {countdown(limit)}.
        </strong>{" "}
        {sentence(one.reason.replace(HOW_LONG, ""))}
      </p>
      <button type="button" class="button" data-act="try-model" title="Lift the limit and call it at once" onClick={() => pauseModel(one.model_id, name, false)}>
        <Icon name="retry" />
        Try now
      </button>
    </>
  );
}
