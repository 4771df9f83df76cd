/** What a person should know now: the connection, a pause, models that cannot be called, failures. */

import { Dot, Icon } from "./icons";
import { Popover } from "./popover";
import { failed, held, link, loaded, model, modelStates, nameOfModel, now, paused, status, tab, waiting } from "./state";
import { pause, pauseModel } from "./steering";
import { isSpent, isStopped, limitedFor } from "./waits";
import { clock, count, countdown, sentence } from "./words";

/** From so many jobs on their number explains why the map takes a while. */
const MANY = 5_000;

const LONG_AWAY_SECONDS = 60;

interface Notice {
  key: string;
  title: string;
  text: string;
  /** The way out, where one button is it. */
  act?: [string, () => void];
}

function connection(): Notice | null {
  const { state, since, nextTry } = link.value;
  // By then it is more than a restart, and a person has to look.
  const isLong = now.value - since / 1_000 > LONG_AWAY_SECONDS;
  if (state === "down") {
    return {
      key: "down",
      title: `The keeper has not answered since ${clock(since)}.`,
      text: `What was queued is kept; this view waits and goes on by itself.${isLong ? " supervisor.py status says why it is away." : ""}`,
    };
  }
  if (state === "lost") {
    const seconds = Math.max(0, Math.ceil(nextTry / 1_000 - now.value));
    return {
      key: "lost",
      title: `No connection since ${clock(since)}.`,
      text: `What was queued is kept at the server; this view waits. ${seconds ? `Next try in ${seconds} s.` : "Trying now."}${isLong ? " supervisor.py status says whether it runs." : ""}`,
    };
  }
  return null;
}

/** Said over the map while nothing is on it yet; a large queue takes a while to be drawn. */
function loading(): Notice | null {
  if (loaded.value || !status.value) return null;
  const jobs = waiting.value + held.value;
  return { key: "loading", title: "The map is being loaded.", text: jobs > MANY ? `${count(jobs, "job")} wait, which takes a moment.` : "" };
}

function notices(): Notice[] {
  const found: Notice[] = [];
  const lost = connection();
  if (lost) found.push(lost);
  if (paused.value) {
    found.push({ key: "paused", title: "The queue is paused.", text: `${count(waiting.value, "job")} ${waiting.value === 1 ? "waits" : "wait"}, none is lost.`, act: ["Resume", () => pause(false)] });
  }
  for (const one of modelStates.value.values()) {
    const limit = limitedFor(one.model_id);
    const name = nameOfModel(one.model_id);
    const resume = (): void => pauseModel(one.model_id, name, false);
    const wait = one.pending ? `${count(one.pending, "job")} ${one.pending === 1 ? "waits" : "wait"}, none is lost.` : "";
    if (isStopped(one)) found.push({ key: `stopped-${one.model_id}`, title: `${name} is stopped.`, text: `${sentence(one.reason)} ${wait}`.trim(), act: ["Resume", resume] });
    else if (one.paused) found.push({ key: `paused-${one.model_id}`, title: `${name} is paused.`, text: wait, act: ["Resume", resume] });
    else if (limit > 0 && isSpent(one)) found.push({ key: `spent-${one.model_id}`, title: `${name} has spent today's budget.`, text: `It goes on in ${countdown(limit)}, or when daily_budget is raised. ${wait}`.trim() });
    else if (limit > 0 && one.state === "failing") found.push({ key: `failing-${one.model_id}`, title: `${name} fails again and again.`, text: `One job is tried in ${countdown(limit)}. ${wait}`.trim(), act: ["Try now", resume] });
    else if (limit > 0) found.push({ key: `limited-${one.model_id}`, title: `${name} is rate limited.`, text: `It is called again in ${countdown(limit)}. ${wait}`.trim(), act: ["Try now", resume] });
  }
  const chosen = model.value;
  if (chosen && !chosen.available) {
    found.push({ key: "model", title: `${chosen.name} cannot be called.`, text: chosen.reason });
  }
  if (failed.value) {
    found.push({ key: "failed", title: `${count(failed.value, "job")} failed.`, text: "The reasons stand in the queue; Retry puts them back." });
  }
  if (held.value) {
    found.push({ key: "held", title: `${count(held.value, "step")} cannot go on.`, text: "The plans in the queue say why; Retry or Re-plan brings them on." });
  }
  return found;
}

export function Health() {
  const all = notices();
  const state = link.value.state;
  const shape = all.length === 0 ? (state === "connecting" ? "idle" : "well") : state === "lost" || state === "down" ? "off" : "limited";
  const text =
    all.length === 0 ? (state === "connecting" ? "Connecting" : "All well") : state === "lost" ? "No connection" : count(all.length, "notice");
  return (
    <Popover
      name="health"
      label={`Health: ${text}`}
      className="health"
      align="end"
      button={
        <>
          <Dot shape={shape} />
          <span data-health={state}>{text}</span>
          <Icon name="chevron" size={14} />
        </>
      }
    >
      {(close) => (
        <div class="notices">
          {all.length === 0 && <p>Everything answers. Nothing has failed.</p>}
          {all.map((notice) => (
            <div class="notice" key={notice.key}>
              <strong>{notice.title}</strong> {notice.text}
              {notice.act && (
                <>
                  {" "}
                  <button type="button" class="link" data-notice-act={notice.key} onClick={notice.act[1]}>
                    {notice.act[0]}
                  </button>
                </>
              )}
              {(notice.key === "failed" || notice.key === "held") && (
                <button
                  type="button"
                  class="link"
                  onClick={() => {
                    tab.value = "queue";
                    close();
                  }}
                >
                  Show
                </button>
              )}
            </div>
          ))}
        </div>
      )}
    </Popover>
  );
}

/** A break of the connection stands over the map, where it cannot be overlooked. */
export function Banner() {
  const lost = connection() ?? loading();
  if (!lost) return null;
  return (
    <div class="banner" role="status" data-banner={lost.key}>
      {lost.key === "loading" ? <Icon name="spinner" className="spin" /> : <Icon name="warning" />}
      <p>
        <strong>{lost.title}</strong> {lost.text}
      </p>
    </div>
  );
}
