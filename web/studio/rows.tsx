/** The lists of jobs: what failed, what cannot go on, what is being made, what waits, what has ended. */

import type { Job, Working } from "./api";
import { filter, filterQuery, isFiltered, shows } from "./filter";
import { Icon } from "./icons";
import { cancelledJobs, failedJobs, failures, finishedJobs, heldJobs, waitingJobs, type Failures, type JobList } from "./lists";
import { behind, jobOf } from "./holders";
import { dropAt } from "./picked";
import { Reply } from "./replies";
import { JobRow, PickAll, useCarried, type Go } from "./row";
import { retryClass } from "./steering";
import { failed, nameOfModel, now, paused, status, statusAt, waiting } from "./state";
import { limitedFor, putOffFor, whyWaits } from "./waits";
import { age, capital, count, countdown, moment, sentence, span } from "./words";
import { isStuck } from "./world";

interface Given {
  go: Go;
}

export function FailedRows({ go }: Given) {
  const groups = shows("failed") ? failures() : [];
  if (groups.length === 0) return null;
  const total = isFiltered.value ? failedJobs.total.value : failed.value;
  return (
    <section class="rows" aria-label="Failed">
      <h3>
        <PickAll of={groups.flatMap((group) => group.jobs)} label="Failed" />
        Failed {total.toLocaleString("en")}
      </h3>
      {groups.map((group) => (
        <FailedClass key={group.error_class} group={group} go={go} />
      ))}
    </section>
  );
}

function FailedClass({ group, go }: Given & { group: Failures }) {
  const { error_class: name, jobs, total } = group;
  return (
    <details class="class" open={isFiltered.value || !matchMedia("(max-width: 719px)").matches} data-class={name || "other"} data-total={total}>
      <summary>
        <Icon name="chevron" size={14} />
        <span class="class-title">
          {group.title} <span class="tally">{total.toLocaleString("en")}</span>
        </span>
        {name !== "" && total > 1 && !isFiltered.value && (
          <button
            type="button"
            class="button"
            data-act="retry-class"
            onClick={(event) => {
              // The button stands in the summary, which would fold.
              event.preventDefault();
              retryClass(name);
            }}
          >
            <Icon name="retry" />
            Retry {total.toLocaleString("en")}
          </button>
        )}
      </summary>
      <Reply at={`class:${name}`} />
      {name === "moderated" && <p class="note class-note">Nobody tries these again by themselves: change the prompt, then retry.</p>}
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} row={job} go={go} icon={<Icon name="failed" />} note={job.reason || "No reason was given."} />
        ))}
      </ul>
      {group.list && <More list={group.list} />}
    </details>
  );
}

export function WorkingRows({ go }: Given) {
  const { kind, model_id, plan, text, error_class } = filterQuery.value;
  // The figures name what is in hand, but not its words: those are searched by the server alone.
  if (!shows("working") || text || error_class) return null;
  const jobs = (status.value?.working ?? []).filter(
    (job) => (!model_id || job.model_id === model_id) && (!kind || job.kind === kind) && (!plan || job.plan === plan),
  );
  if (jobs.length === 0) return null;
  const rows = jobs.map((job) => ({ ...job, state: "processing" as const }));
  return (
    <section class="rows" aria-label="Working">
      <h3>
        <PickAll of={rows} label="Working" />
        Working {jobs.length}
      </h3>
      <ul>
        {rows.map((job) => (
          <JobRow key={job.job} row={job} go={go} icon={<Icon name="spinner" className="spin" />} note={workNote(job)} side={age(job.age_seconds + Math.max(0, now.value - statusAt.value))} />
        ))}
      </ul>
    </section>
  );
}

function workNote(job: Working): string {
  const who = job.model_id ? nameOfModel(job.model_id) : job.worker;
  const again = job.attempt > 1 ? `, try ${job.attempt}` : "";
  return `${who}${job.doing ? `, ${job.doing}` : ""}${again}`;
}

export function WaitingRows({ go }: Given) {
  // What is held stands in its own list.
  const jobs = waitingJobs.jobs.value.filter((job) => job.held_by === 0);
  useCarried(jobs.map((job) => job.job).join());
  if (!shows("waiting") || jobs.length === 0) return null;
  const total = isFiltered.value ? waitingJobs.total.value : waiting.value;
  return (
    <section class="rows" aria-label="Waiting">
      <h3>
        <PickAll of={jobs} label="Waiting" />
        Waiting {total.toLocaleString("en")}
      </h3>
      <ul>
        {jobs.map((job) => (
          <JobRow
            key={job.job}
            row={job}
            go={go}
            icon={<Icon name={waitIcon(job)} />}
            note={waitNote(job)}
            // What a paused plan still wants has no place in the line until it goes on.
            position={job.paused && !paused.value ? 0 : job.position}
            side={job.seconds_left === null || job.seconds_left === undefined ? "" : span(job.seconds_left)}
            among={jobs}
          />
        ))}
      </ul>
      {dropAt.value === 0 && <div class="drop-end" />}
      <More list={waitingJobs} rest={Math.max(0, total - jobs.length)} />
    </section>
  );
}

/** Steps that nothing but a person can bring on: each says why, or behind which other one it is held. */
export function HeldRows({ go }: Given) {
  const all = heldJobs.jobs.value;
  if (!shows("held") || all.length === 0) return null;
  const jobs = [...all].sort((a, b) => Number(isStuck(b)) - Number(isStuck(a)) || a.job - b.job);
  return (
    <section class="rows" aria-label="Cannot go on">
      <h3>
        <PickAll of={jobs} label="Cannot go on" />
        Cannot go on {heldJobs.total.value.toLocaleString("en")}
      </h3>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} row={job} look={isStuck(job) ? "stuck" : "held"} go={go} icon={<Icon name={isStuck(job) ? "refused" : "held"} />} note={heldNote(job)} />
        ))}
      </ul>
      <More list={heldJobs} rest={Math.max(0, heldJobs.total.value - jobs.length)} />
    </section>
  );
}

/** What has ended, where somebody asks for it. */
export function EndedRows({ go }: Given) {
  const lists = [
    { standing: "finished" as const, list: finishedJobs, label: "Finished", icon: "check" as const },
    { standing: "cancelled" as const, list: cancelledJobs, label: "Called off", icon: "close" as const },
  ];
  const shown = lists.find((one) => filter.value.state === one.standing);
  if (!shown) return null;
  const jobs = shown.list.jobs.value;
  return (
    <section class="rows" aria-label={shown.label}>
      <h3>
        {shown.label} {shown.list.total.value.toLocaleString("en")}
      </h3>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} row={job} go={go} icon={<Icon name={shown.icon} />} note={endNote(job)} side={job.finished_at ? moment(job.finished_at) : ""} />
        ))}
      </ul>
      <More list={shown.list} rest={Math.max(0, shown.list.total.value - jobs.length)} />
    </section>
  );
}

function endNote(job: Job): string {
  const who = job.model_id ? nameOfModel(job.model_id) : job.worker;
  const took = job.started_at && job.finished_at > job.started_at ? `in ${span(job.finished_at - job.started_at)}` : "";
  return [who, took, job.attempt > 1 ? `try ${job.attempt}` : ""].filter(Boolean).join(", ");
}

function heldNote(job: Job): string {
  const listed = [...failedJobs.jobs.value, ...heldJobs.jobs.value].find((one) => one.job === job.held_by);
  return behind(job, listed ?? (isStuck(job) ? null : jobOf(job.held_by)));
}

/** A pause, a clock for what begins by itself at some time, or nothing but its turn. */
function waitIcon(job: Job): "pause" | "clock" | "waiting" {
  if (job.paused) return "pause";
  return job.state === "pending" && (putOffFor(job) > 0 || limitedFor(job.model_id) > 0) ? "clock" : "waiting";
}

function waitNote(job: Job): string {
  const who = job.model_id ? nameOfModel(job.model_id) : job.kind === "render" ? "renderer" : "generator";
  const ahead = job.priority ? `priority ${job.priority > 0 ? "+" : "−"}${Math.abs(job.priority)}` : "";
  const again = job.attempt > 0 ? `try ${job.attempt + 1} of ${job.max_attempts}` : "";
  const deaths = job.deaths ? `${count(job.deaths, "worker")} died` : "";
  const facts = [who, ahead, again, deaths];
  if (job.state === "blocked") return [...facts, "after other steps"].filter(Boolean).join(", ");
  // That the whole queue is paused stands above, once for all; what a job waits for names its model already.
  const why = paused.value ? "" : whyWaits(job);
  if (why) return capital([why, ...facts.slice(1)].filter(Boolean).join(", "));
  const later = putOffFor(job);
  if (later > 0) return capital([`again in ${countdown(later)}`, again].filter(Boolean).join(", ")) + (job.reason ? `: ${sentence(job.reason)}` : "");
  return [...facts, job.attempt > 0 ? job.reason : ""].filter(Boolean).join(", ");
}

function More({ list, rest = Math.max(0, list.total.value - list.jobs.value.length) }: { list: JobList; rest?: number }) {
  if (!list.more.value) return null;
  const next = Math.min(rest, 50);
  return (
    <button
      type="button"
      class="link more"
      data-act="show-more"
      disabled={list.busy.value}
      onClick={() => void list.showMore()}
    >
      {rest === 0 ? "Show more" : rest <= 50 ? `Show ${rest} more` : `Show ${next} more of ${rest.toLocaleString("en")}`}
    </button>
  );
}
