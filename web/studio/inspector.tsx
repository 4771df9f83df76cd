/** One quadrant: its versions, how each was made, its jobs. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cancelJob, retryJob } from "./actions";
import { getQuadrant, Refused, tileAddress, type Job, type QuadrantView, type Version } from "./api";
import { cellOf, type Cell } from "./geometry";
import { Icon } from "./icons";
import { onEvents } from "./refresh";
import { nameOfModel, plans, selection, worldTick } from "./state";
import { count, jobState, latLon, moment, planName, stateLabel, title } from "./words";
import { isStuck, world } from "./world";

const view = signal<QuadrantView | null>(null);
const refusal = signal("");
const chosen = signal(0);
const LONG_PROMPT = 90;

const isPicture = (version: Version): boolean => version.layer === "generation" || version.layer === "render";

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

export function Inspector() {
  const cell = shownCell();
  const name = cell?.join(",") ?? "";
  useEffect(() => {
    view.value = null;
    chosen.value = 0;
    if (!cell) return;
    void load(cell);
    let timer = 0;
    const stop = onEvents((events) => {
      const touched = events.some(
        ({ change }) => change.kind === "job" && change.quadrants.some(([x, y]) => x === cell[0] && y === cell[1]),
      );
      if (!touched) return;
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
  return (
    <div class="inspector" data-inspector={name}>
      <div class="headline">
        <div>
          <h2>Quadrant {name}</h2>
          <p class="sub">
            {shown ? `${latLon(shown.latitude, shown.longitude)}. ` : ""}
            {capital(stateLabel(world.stateOf(cell[0], cell[1])))}
            {many > 1 ? `. The last of ${many} selected` : ""}
          </p>
        </div>
      </div>
      {refusal.value && <p class="say say-refused">{refusal.value}</p>}
      {shown && <Versions of={shown} />}
      {shown && <Jobs jobs={shown.jobs} />}
    </div>
  );
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

function Versions({ of }: { of: QuadrantView }) {
  const versions = of.versions.filter(isPicture);
  if (versions.length === 0) return <p class="note padded">Nothing stands here yet. Render or Fill begins it.</p>;
  const current = versions.find((one) => one.version === chosen.value) ?? versions.find((one) => one.current && one.layer === "generation") ?? versions[0]!;
  const layers = { generation: 0, render: 0 };
  for (const one of versions) layers[one.layer as "generation" | "render"] += 1;
  return (
    <>
      <section class="facts">
        <h3>Versions</h3>
        <div class="versions">
          {versions.map((one) => (
            <button
              key={one.version}
              type="button"
              class="version"
              aria-pressed={one === current}
              data-version={one.version}
              onClick={() => (chosen.value = one.version)}
            >
              <img src={tileAddress(one.layer, 0, of.x, of.y, `v=${one.version}`)} alt={`${one.layer}, version ${one.version}`} loading="lazy" class={one.layer} />
              <span>{one.layer === "render" ? "render" : `v${layers.generation--}`}{one.current ? " current" : ""}</span>
            </button>
          ))}
        </div>
      </section>
      <How version={current} />
    </>
  );
}

function How({ version }: { version: Version }) {
  const plan = plans.value.find((one) => one.plan === version.plan);
  const rows: [string, preact.ComponentChildren][] = [["Made", `${moment(version.created_at)}, in ${version.seconds.toFixed(1)} s`]];
  if (version.layer === "generation") {
    rows.push(["Model", nameOfModel(version.model_id)]);
    rows.push(["Prompt", version.prompt ? <Prompt text={version.prompt} /> : "none"]);
  }
  rows.push(["Worker", version.worker || "unknown"]);
  rows.push(["Plan", plan ? planName(plan) : version.plan]);
  rows.push(["Job", `${version.job}${version.attempt ? `, try ${version.attempt}` : ""}`]);
  return (
    <section class="facts">
      <h3>How it was made</h3>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd data-fact={name.toLowerCase()}>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Prompt({ text }: { text: string }) {
  if (text.length <= LONG_PROMPT) return <>{text}</>;
  return (
    <details class="long">
      <summary>
        {text.slice(0, LONG_PROMPT)}… <span class="link">Show all</span>
      </summary>
      {text}
    </details>
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
          <li key={job.job} class={`row row-${isStuck(job) ? "stuck" : job.state}`} data-job={job.job} data-state={isStuck(job) ? "stuck" : job.state} data-model-id={job.model_id}>
            <span class="row-text">
              <span class="row-title">
                {title(job)} <span class="dim">{job.model_id ? nameOfModel(job.model_id) : ""}</span>
              </span>
              <span class="row-note">{capital(jobState(job))}{job.attempt > 1 ? `, try ${job.attempt} of ${job.max_attempts}` : ""}</span>
            </span>
            {(job.state === "error" || job.state === "cancelled") && (
              <button type="button" class="button" data-act="retry" onClick={() => retryJob(job.job)}>
                <Icon name="retry" />
                Retry
              </button>
            )}
            {(job.state === "pending" || job.state === "processing" || job.state === "blocked") && (
              <button type="button" class="button" data-act="cancel" onClick={() => cancelJob(job.job)}>
                <Icon name="close" />
                Call off
              </button>
            )}
          </li>
        ))}
      </ul>
      {done > 0 && <p class="note">{count(done, "job")} finished.</p>}
    </section>
  );
}
