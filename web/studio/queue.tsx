/** The queue: how much there is, plans, what failed, what is being made, what waits. */

import { useEffect, useState } from "preact/hooks";
import { cancelJob, clearQueue, pause, retryFailed, retryJob } from "./actions";
import type { Job, Plan, Working } from "./api";
import { Icon } from "./icons";
import { failedJobs, filter, filterQuery, heldJobs, waitingJobs } from "./lists";
import { PlanCard } from "./plans";
import { Popover } from "./popover";
import { onEvents } from "./refresh";
import { failed, held, link, loaded, models, nameOfModel, now, paused, plans, status, statusAt, waiting, working } from "./state";
import { age, count, span, title } from "./words";
import { isStuck, world } from "./world";

/** Plans of a single click are jobs in the lists; a card is for what takes a while. */
const CARD_FROM = 5;

export function Queue({ go }: { go: (job: { quadrants: readonly (readonly [number, number])[] }) => void }) {
  useEffect(() => {
    failedJobs.refilter(filterQuery.value);
    heldJobs.refilter(filterQuery.value);
    waitingJobs.refilter(filterQuery.value);
  }, [filter.value]);
  useEffect(() => {
    void failedJobs.refresh();
    void heldJobs.refresh();
    void waitingJobs.refresh();
  }, [status.value]);
  useEffect(
    () =>
      onEvents((events) => {
        failedJobs.take(events);
        heldJobs.take(events);
        waitingJobs.take(events);
      }),
    [],
  );
  const cards = plans.value.filter((plan) => plan.quadrants_total >= CARD_FROM || plan.held > 0);
  const open = cards.filter((plan) => !plan.settled || plan.stuck).sort((a, b) => Number(b.stuck) - Number(a.stuck));
  const done = cards.filter((plan) => !open.includes(plan));
  const nothing = loaded.value && working.value + waiting.value + failed.value + held.value + cards.length === 0;
  return (
    <div class="queue">
      <Headline />
      {nothing ? <NoJobs /> : <Filter />}
      {open.map((plan) => (
        <PlanCard key={plan.plan} plan={plan} />
      ))}
      <FailedRows go={go} />
      <HeldRows go={go} />
      <WorkingRows go={go} />
      <WaitingRows go={go} />
      {done.length > 0 && <DonePlans plans={done} />}
    </div>
  );
}

function Headline() {
  return (
    <div class="headline">
      <div>
        <h2 data-headline>{headline()}</h2>
        <p class="sub">{subline()}</p>
      </div>
      <button type="button" class="button" data-act={paused.value ? "resume" : "pause"} onClick={() => pause(!paused.value)}>
        <Icon name={paused.value ? "play" : "pause"} />
        {paused.value ? "Resume" : "Pause"}
      </button>
      <Popover name="queue-more" label="More for the queue" align="end" button={<Icon name="more" />}>
        {(close) => <QueueMenu close={close} />}
      </Popover>
    </div>
  );
}

function headline(): string {
  if (!status.value) return link.value.state === "lost" ? "No answer yet" : "Asking the server";
  const wait = `${waiting.value.toLocaleString("en")} waiting`;
  if (paused.value && working.value === 0) return `Paused, ${wait}`;
  return `${working.value} working, ${wait}`;
}

function subline(): string {
  const parts: string[] = [];
  if (paused.value && working.value > 0) parts.push("Paused after these.");
  if (failed.value) parts.push(`${failed.value.toLocaleString("en")} failed.`);
  if (held.value) parts.push(`${held.value.toLocaleString("en")} cannot go on.`);
  const left = Math.max(0, ...plans.value.filter((plan) => !plan.settled).map((plan) => plan.seconds_left ?? 0));
  if (left > 0 && !paused.value && waiting.value + working.value > 0) parts.push(`About ${span(left)} left.`);
  else if (status.value && parts.length === 0) parts.push(`${count(status.value.quadrants, "quadrant")} finished.`);
  return parts.join(" ");
}

function QueueMenu({ close }: { close: () => void }) {
  const open = waiting.value + held.value + working.value;
  const [asked, setAsked] = useState(false);
  return (
    <div class="menu">
      <button
        type="button"
        class="menu-item"
        data-act="retry-failed"
        disabled={failed.value === 0}
        onClick={() => {
          retryFailed();
          close();
        }}
      >
        <Icon name="retry" />
        Retry all failed
      </button>
      {asked ? (
        <>
          <hr />
          <p class="note">{`This calls off ${count(open, "job")}, also those being made. What is finished stays.`}</p>
          <div class="buttons">
            <button
              type="button"
              class="button danger"
              data-act="clear-queue"
              disabled={open === 0}
              onClick={() => {
                clearQueue();
                close();
              }}
            >
              Call off {count(open, "job")}
            </button>
            <button type="button" class="quiet" onClick={close}>
              Keep {open === 1 ? "it" : "them"}
            </button>
          </div>
        </>
      ) : (
        <button type="button" class="menu-item" data-act="ask-clear" disabled={open === 0} onClick={() => setAsked(true)}>
          <Icon name="close" />
          Clear the queue
        </button>
      )}
    </div>
  );
}

function Filter() {
  return (
    <div class="filter">
      <label>
        <span class="visually-hidden">Show</span>
        <select class="field" value={filter.value} data-field="filter" onChange={(event) => (filter.value = event.currentTarget.value)}>
          <option value="">All jobs</option>
          <option value="render">Renders</option>
          <option value="generate">Generations</option>
          {models.value.map((one) => (
            <option key={one.model_id} value={`model:${one.model_id}`}>
              {one.name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function NoJobs() {
  return (
    <div class="no-jobs">
      <Icon name="fill" size={28} />
      <h3>No jobs yet</h3>
      <p>Plans you start appear here, with their progress and time left.</p>
    </div>
  );
}

interface RowsGiven {
  go: (job: { quadrants: readonly (readonly [number, number])[] }) => void;
}

function FailedRows({ go }: RowsGiven) {
  const jobs = failedJobs.jobs.value;
  if (jobs.length === 0) return null;
  const rest = Math.max(0, failed.value - jobs.length);
  return (
    <section class="rows" aria-label="Failed">
      <h3>Failed {filter.value ? "" : failed.value}</h3>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} job={job} go={go} icon={<Icon name="failed" />} note={job.reason || "No reason was given."}>
            <button type="button" class="button" data-act="retry" onClick={() => retryJob(job.job)}>
              <Icon name="retry" />
              Retry
            </button>
          </JobRow>
        ))}
      </ul>
      <More list={failedJobs} rest={rest} />
    </section>
  );
}

function WorkingRows({ go }: RowsGiven) {
  const wanted = filterQuery.value;
  const jobs = (status.value?.working ?? []).filter(
    (job) =>
      (!("model_id" in wanted) || job.model_id === wanted.model_id) && (!("kind" in wanted) || job.kind === wanted.kind),
  );
  if (jobs.length === 0) return null;
  return (
    <section class="rows" aria-label="Working">
      <h3>Working {jobs.length}</h3>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} job={{ ...job, state: "processing" }} go={go} icon={<Icon name="spinner" className="spin" />} note={workNote(job)}>
            <span class="age">{age(job.age_seconds + Math.max(0, now.value - statusAt.value))}</span>
            <Cancel job={job.job} />
          </JobRow>
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

function WaitingRows({ go }: RowsGiven) {
  // What is held stands in its own list.
  const jobs = waitingJobs.jobs.value.filter((job) => job.held_by === 0);
  if (jobs.length === 0) return null;
  const rest = Math.max(0, waiting.value - jobs.length);
  return (
    <section class="rows" aria-label="Waiting">
      <h3>Waiting {filter.value ? "" : waiting.value.toLocaleString("en")}</h3>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} job={job} go={go} icon={<Icon name="waiting" />} note={waitNote(job)} position={job.position}>
            <Cancel job={job.job} />
          </JobRow>
        ))}
      </ul>
      <More list={waitingJobs} rest={rest} />
    </section>
  );
}

/** Steps that nothing but a person can bring on: each says why, or behind which other one it is held. */
function HeldRows({ go }: RowsGiven) {
  const all = heldJobs.jobs.value;
  if (all.length === 0) return null;
  const jobs = [...all].sort((a, b) => Number(isStuck(b)) - Number(isStuck(a)) || a.job - b.job);
  const rest = Math.max(0, heldJobs.total.value - jobs.length);
  return (
    <section class="rows" aria-label="Cannot go on">
      <h3>Cannot go on {filter.value ? "" : heldJobs.total.value.toLocaleString("en")}</h3>
      <ul>
        {jobs.map((job) => (
          <JobRow key={job.job} job={job} look={isStuck(job) ? "stuck" : "held"} go={go} icon={<Icon name={isStuck(job) ? "refused" : "held"} />} note={heldNote(job)}>
            <Cancel job={job.job} />
          </JobRow>
        ))}
      </ul>
      <More list={heldJobs} rest={rest} />
    </section>
  );
}

function heldNote(job: Job): string {
  if (isStuck(job)) return job.reason;
  const other = [...failedJobs.jobs.value, ...heldJobs.jobs.value].find((one) => one.job === job.held_by) ?? world.jobs.get(job.held_by);
  if (!other) return `Behind job ${job.held_by}, which failed or was called off.`;
  return `Behind ${title(other)}, which ${other.state === "error" ? "failed" : "cannot go on"}.`;
}

function waitNote(job: Job): string {
  const who = job.model_id ? nameOfModel(job.model_id) : job.kind === "render" ? "renderer" : "generator";
  const later = job.retry_at > now.value ? `again in ${span(job.retry_at - now.value)}` : "";
  const why = job.state === "blocked" ? "after other steps" : later || (job.attempt > 0 && job.reason ? job.reason : "");
  return [who, why].filter(Boolean).join(", ");
}

function More({ list, rest }: { list: typeof waitingJobs; rest: number }) {
  if (!list.more.value) return null;
  const text = rest > 0 && !filter.value ? `Show ${Math.min(rest, 50)} more of ${rest.toLocaleString("en")}` : "Show more";
  return (
    <button type="button" class="link more" data-act="show-more" disabled={list.busy.value} onClick={() => void list.showMore()}>
      {rest > 0 && rest <= 50 && !filter.value ? `Show ${rest} more` : text}
    </button>
  );
}

function Cancel({ job }: { job: number }) {
  return (
    <button type="button" class="quiet square row-cancel" aria-label={`Call off job ${job}`} title="Call off" data-act="cancel" onClick={() => cancelJob(job)}>
      <Icon name="close" />
    </button>
  );
}

type RowJob = Pick<Job, "job" | "kind" | "state" | "model_id" | "quadrants"> & Partial<Pick<Job, "padding" | "scaffold">>;

interface RowGiven extends RowsGiven {
  job: RowJob;
  /** How the row looks, where the job's state alone does not tell. */
  look?: string;
  icon: preact.ComponentChildren;
  note: string;
  position?: number;
  children: preact.ComponentChildren;
}

function JobRow({ job, look = job.state, go, icon, note, position = 0, children }: RowGiven) {
  return (
    <li class={`row row-${look}`} data-job={job.job} data-state={look} data-kind={job.kind} data-model-id={job.model_id}>
      {icon}
      <button type="button" class="row-text" onClick={() => go(job)} title="Show on the map">
        <span class="row-title">
          {position > 0 && <span class="place-number">{position}</span>}
          {title(job)}
        </span>
        <span class="row-note">{note}</span>
      </button>
      {children}
    </li>
  );
}

function DonePlans({ plans: done }: { plans: Plan[] }) {
  return (
    <details class="done-plans">
      <summary>
        <Icon name="chevron" size={14} />
        Finished plans <span class="tally">{done.length}</span>
      </summary>
      {done.map((plan) => (
        <PlanCard key={plan.plan} plan={plan} />
      ))}
    </details>
  );
}
