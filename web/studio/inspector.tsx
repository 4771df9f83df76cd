/** One quadrant: its versions, how each was made, its jobs. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getQuadrant, Refused, type Job, type QuadrantView, type WorldEvent } from "./api";
import { cellOf, type Cell } from "./geometry";
import { Again } from "./again";
import { Icon } from "./icons";
import { onEvents } from "./refresh";
import { Reply } from "./replies";
import { whyStale } from "./staleness";
import { jobOf, whyHeld } from "./holders";
import { replan } from "./planning";
import { nameOfModel, selection, worldTick } from "./state";
import { cancelJob, retryJob } from "./steering";
import { Versions } from "./versions";
import { putOffFor, whyWaits } from "./waits";
import { capital, count, countdown, jobState, latLon, sentence, stateLabel, title } from "./words";
import { isHeld, isStuck, world } from "./world";

const view = signal<QuadrantView | null>(null);
const refusal = signal("");

async function load([x, y]: Cell): Promise<void> {
  try {
    const answer = await getQuadrant(x, y);
    if (shownCell()?.join() === `${x},${y}`) view.value = answer;
    refusal.value = "";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refusal.value = error.message;
  }
}

/** The quadrant chosen last. */
function shownCell(): Cell | null {
  let last: string | null = null;
  for (const key of selection.value) last = key;
  return last === null ? null : cellOf(last);
}

/** Whether an event may change what is shown of a quadrant; its neighbours' pictures make it stale or fresh. */
function touches({ change }: WorldEvent, [x, y]: Cell): boolean {
  if (!("tiles" in change)) return false;
  const isNear = change.tiles.some((tile) => Math.abs(tile.x - x) <= 1 && Math.abs(tile.y - y) <= 1);
  return isNear || (change.kind === "job" && change.quadrants.some((one) => one[0] === x && one[1] === y));
}

export function Inspector() {
  const cell = shownCell();
  const name = cell?.join(",") ?? "";
  useEffect(() => {
    view.value = null;
    if (!cell) return;
    void load(cell);
    let timer = 0;
    const stop = onEvents((events) => {
      if (!events.some((event) => touches(event, cell))) return;
      clearTimeout(timer);
      timer = window.setTimeout(() => void load(cell), 150);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [name]);
  if (!cell) {
    return (
      <div class="no-jobs">
        <Icon name="select" size={28} />
        <h3>No quadrant selected</h3>
        <p>Click one on the map to see its versions and how they were made.</p>
      </div>
    );
  }
  const shown = view.value;
  void worldTick.value;
  const many = selection.value.size;
  // What is going on here comes before what was.
  const isBusy = shown?.jobs.some((job) => job.state !== "complete" && job.state !== "cancelled") ?? false;
  return (
    <div class="inspector" data-inspector={name}>
      <div class="headline">
        <div>
          <h2>Quadrant {name}</h2>
          <p class="sub">
            {shown ? `${latLon(shown.latitude, shown.longitude)}. ` : ""}
            {capital(stateLabel(world.stateOf(cell[0], cell[1])))}
            {world.stale.has(name) ? ", stale" : ""}
            {many > 1 ? `. The last of ${many} selected` : ""}
          </p>
        </div>
      </div>
      {refusal.value && <p class="say say-refused">{refusal.value}</p>}
      {shown && world.stale.has(name) && <Stale of={shown} />}
      <Reply at={`quadrant:${name}`} />
      {shown && isBusy && <Jobs jobs={shown.jobs} />}
      {shown && <Again of={shown} />}
      {shown && <Versions key={name} of={shown} />}
      {shown && !isBusy && <Jobs jobs={shown.jobs} />}
    </div>
  );
}

/** Why it is stale; the way to make it fit again stands below it. */
function Stale({ of }: { of: QuadrantView }) {
  return (
    <section class="facts stale-facts" data-stale>
      <p class="say say-stale">
        <Icon name="clock" />
        <span>
          <strong>Stale.</strong> {whyStale(of)}
        </span>
      </p>
    </section>
  );
}

function Jobs({ jobs }: { jobs: Job[] }) {
  const open = jobs.filter((job) => job.state !== "complete");
  const done = jobs.length - open.length;
  if (jobs.length === 0) return null;
  return (
    <section class="facts">
      <h3>Jobs</h3>
      <ul class="quadrant-jobs">
        {open.map((job) => (
          <OneJob key={job.job} job={job} />
        ))}
      </ul>
      {done > 0 && <p class="note">{count(done, "job")} finished.</p>}
    </section>
  );
}

function OneJob({ job }: { job: Job }) {
  const look = isStuck(job) ? "stuck" : isHeld(job) ? "held" : job.state;
  const holder = look === "held" ? jobOf(job.held_by) : null;
  return (
    <li class={`row row-${look}`} data-job={job.job} data-state={look} data-model-id={job.model_id}>
      <span class="row-text">
        <span class="row-title">
          {title(job)} <span class="dim">{job.model_id ? nameOfModel(job.model_id) : ""}</span>
        </span>
        <span class="row-note" data-why>
          {look === "held" ? whyHeld(job, holder) : noteOf(job)}
        </span>
      </span>
      <span class="buttons">
        {(job.state === "error" || job.state === "cancelled") && (
          <button type="button" class="button" data-act="retry" onClick={() => retryJob(job.job)}>
            <Icon name="retry" />
            Retry
          </button>
        )}
        {holder && (holder.state === "error" || holder.state === "cancelled") && (
          <button type="button" class="button" data-act="retry-holder" title={`Retries ${title(holder)}; this step follows by itself.`} onClick={() => retryJob(holder.job)}>
            <Icon name="retry" />
            {holder.state === "error" ? "Retry what failed" : "Retry what was called off"}
          </button>
        )}
        {(look === "stuck" || (holder && isStuck(holder))) && (
          <button type="button" class="button" data-act="replan" onClick={() => replan(holder?.plan ?? job.plan)}>
            <Icon name="replan" />
            Re-plan
          </button>
        )}
        {(job.state === "pending" || job.state === "processing" || job.state === "blocked") && (
          <button type="button" class="button" data-act="cancel" onClick={() => cancelJob(job.job)}>
            <Icon name="close" />
            Call off
          </button>
        )}
      </span>
      <Reply at={`job:${job.job}`} />
      {holder && <Reply at={`job:${holder.job}`} />}
    </li>
  );
}

/** What a job does or waits for, in a sentence or two. */
function noteOf(job: Job): string {
  const tries = job.attempt > 1 ? `, try ${job.attempt} of ${job.max_attempts}` : "";
  const why = job.state === "pending" ? whyWaits(job) : "";
  if (why) return sentence(capital(why));
  const later = putOffFor(job);
  if (later > 0) return `Again in ${countdown(later)}, try ${job.attempt + 1} of ${job.max_attempts}. ${job.reason ? sentence(job.reason) : ""}`;
  return `${capital(jobState(job))}${tries}`;
}
