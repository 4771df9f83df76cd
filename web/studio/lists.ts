/** Pages of jobs as the panel shows them: asked for anew with the figures, mended by events in between. */

import { signal } from "@preact/signals";
import { getQueue, Refused, type ErrorClass, type Job, type JobQuery, type JobState, type WorldEvent } from "./api";

const PAGE = 50;
/** Where no index knows which jobs are meant, a page may come without any: so many in a row are asked for at once. */
const EMPTY_PAGES = 8;
const LARGEST_PAGE = 500;
/** A list of more rows than this is asked for anew at rest only. */
const LONG = 200;
const LONG_EVERY_MS = 4_500;

/** Jobs of some states, asked for in pages; `states` are asked one after the other. */
export class JobList {
  readonly jobs = signal<Job[]>([]);
  readonly more = signal(false);
  readonly busy = signal(false);
  /** How many there are, shown or not. */
  readonly total = signal(0);
  private shown: number;
  private reach = EMPTY_PAGES;
  private asked = 0;
  private askedAt = -Infinity;
  private filter: JobQuery = {};

  constructor(
    private readonly states: JobState[],
    private readonly first: number,
    private readonly always: JobQuery = {},
  ) {
    this.shown = first;
  }

  /** Show others from now on, the first few of them. */
  narrow(filter: JobQuery): this {
    this.filter = filter;
    this.shown = this.first;
    this.reach = EMPTY_PAGES;
    this.askedAt = -Infinity;
    return this;
  }

  /** Show no rows, without asking. */
  clear(): void {
    this.asked += 1;
    this.jobs.value = [];
    this.total.value = 0;
    this.more.value = false;
  }

  /** Ask anew for as many as are shown. */
  async refresh(): Promise<void> {
    if (this.shown > LONG && performance.now() - this.askedAt < LONG_EVERY_MS) return;
    const request = ++this.asked;
    this.askedAt = performance.now();
    const page = await this.page(this.shown);
    if (!page || request !== this.asked) return;
    this.jobs.value = page.jobs;
    this.total.value = page.total;
    this.more.value = page.more;
  }

  async showMore(): Promise<void> {
    if (this.busy.value) return;
    this.busy.value = true;
    this.shown = this.jobs.value.length + PAGE;
    this.reach *= 2;
    this.askedAt = -Infinity;
    await this.refresh();
    this.busy.value = false;
  }

  /** Drop or mend rows whose job came to another state. */
  take(events: WorldEvent[]): void {
    const changes = new Map<number, WorldEvent["change"] & { kind: "job" }>();
    for (const { change } of events) if (change.kind === "job") changes.set(change.job, change);
    if (!this.jobs.value.some((job) => changes.has(job.job))) return;
    const kept: Job[] = [];
    for (const job of this.jobs.value) {
      const change = changes.get(job.job);
      if (!change) kept.push(job);
      else if (this.states.includes(change.state)) kept.push({ ...job, state: change.state, reason: change.reason });
    }
    this.jobs.value = kept;
  }

  private async page(limit: number): Promise<{ jobs: Job[]; total: number; more: boolean } | null> {
    const jobs: Job[] = [];
    let total = 0;
    let isMore = false;
    let left = this.reach;
    try {
      for (const status of this.states) {
        let cursor = 0;
        let isFirst = true;
        do {
          // A state that is only counted still needs one question.
          const wanted = Math.max(1, Math.min(LARGEST_PAGE, limit - jobs.length));
          // What waits stands as it is handed out, whatever its number.
          const turn = status === "pending" ? { turn: 1 as const } : {};
          const page = await getQueue({ ...this.filter, ...this.always, ...turn, status, cursor, limit: wanted });
          if (isFirst || page.at_least) total += page.total;
          isFirst = false;
          cursor = page.cursor;
          jobs.push(...page.jobs.slice(0, limit - jobs.length));
        } while (cursor !== 0 && jobs.length < limit && --left > 0);
        isMore ||= cursor !== 0;
      }
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
    return { jobs, total: Math.max(total, jobs.length), more: isMore || jobs.length < total };
  }
}

export const failedJobs = new JobList(["error"], 20, { newest: 1 });
export const waitingJobs = new JobList(["pending", "blocked"], 3);
/** Blocked for good: no longer legal, or behind one that failed, was called off or is no longer legal. */
export const heldJobs = new JobList(["blocked"], 20, { held: 1 });
export const finishedJobs = new JobList(["complete"], 20, { newest: 1 });
export const cancelledJobs = new JobList(["cancelled"], 20, { newest: 1 });

export const ERROR_CLASSES: [ErrorClass, string][] = [
  ["rejected", "Refused by the model"],
  ["moderated", "Stopped by moderation"],
  ["auth", "Key not accepted"],
  ["bad_image", "Picture not usable"],
  ["rate_limited", "Rate limited"],
  ["unavailable", "Model not available"],
  ["transient", "Passing faults"],
  ["bug", "Faults of a program"],
];

const classLists = new Map(ERROR_CLASSES.map(([name]): [ErrorClass, JobList] => [name, new JobList(["error"], 5, { error_class: name, newest: 1 })]));

/** Failed jobs of one error class; `list` is null where the few there are lie in `jobs` already. */
export interface Failures {
  error_class: ErrorClass | "";
  title: string;
  jobs: Job[];
  total: number;
  list: JobList | null;
}

/** The failed jobs by class: those of the one list where it holds all, else a list of its own for each class. */
export function failures(): Failures[] {
  const all = failedJobs.jobs.value;
  const found: Failures[] = [];
  const isWhole = !failedJobs.more.value;
  for (const [error_class, title] of ERROR_CLASSES) {
    const list = classLists.get(error_class)!;
    const jobs = isWhole ? all.filter((job) => job.error_class === error_class) : list.jobs.value;
    const total = isWhole ? jobs.length : list.total.value;
    if (jobs.length) found.push({ error_class, title, jobs, total, list: isWhole ? null : list });
  }
  const other = all.filter((job) => !ERROR_CLASSES.some(([name]) => name === job.error_class));
  if (other.length) found.push({ error_class: "", title: "Other faults", jobs: other, total: other.length, list: null });
  return found;
}

export function narrowFailures(filter: JobQuery): void {
  failedJobs.narrow(filter);
  for (const list of classLists.values()) list.narrow(filter);
}

/** Bring the failed jobs up to date; the classes are asked for only where one page does not hold all. */
export async function refreshFailures(): Promise<void> {
  await failedJobs.refresh();
  for (const list of classLists.values()) {
    if (failedJobs.more.value) void list.refresh();
    else list.clear();
  }
}

export function takeFailures(events: WorldEvent[]): void {
  failedJobs.take(events);
  for (const list of classLists.values()) list.take(events);
}
