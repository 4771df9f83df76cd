/** Pages of jobs as the panel shows them: the first page follows events, further ones are kept true by them. */

import { computed, signal } from "@preact/signals";
import { getQueue, Refused, type Job, type JobQuery, type JobState, type WorldEvent } from "./api";

const PAGE = 50;

/** Jobs of some states, asked for in pages; `states` are asked one after the other. */
export class JobList {
  readonly jobs = signal<Job[]>([]);
  readonly more = signal(false);
  readonly busy = signal(false);
  /** How many there are, shown or not. */
  readonly total = signal(0);
  private next: { state: number; cursor: number } = { state: 0, cursor: 0 };
  private asked = 0;
  private expanded = false;

  constructor(
    private readonly states: JobState[],
    private readonly first: number,
    private readonly always: JobQuery = {},
  ) {}

  private filter: JobQuery = {};

  refilter(filter: JobQuery): void {
    this.filter = filter;
    this.fold();
  }

  /** Show the first few again. */
  fold(): void {
    this.expanded = false;
    void this.refresh();
  }

  /** Ask for the first few anew; a list that was opened is left to its events. */
  async refresh(): Promise<void> {
    if (this.expanded) return;
    const request = ++this.asked;
    const page = await this.page({ state: 0, cursor: 0 }, this.first);
    if (!page || request !== this.asked) return;
    this.jobs.value = page.jobs;
    this.total.value = page.total;
    this.next = page.next;
    this.more.value = page.next.state < this.states.length;
  }

  async showMore(): Promise<void> {
    if (this.busy.value) return;
    this.busy.value = true;
    this.asked += 1;
    this.expanded = true;
    const page = await this.page(this.next, PAGE);
    this.busy.value = false;
    if (!page) {
      // Nothing came, so nothing was opened: the first few follow the queue again.
      this.expanded = this.jobs.value.length > this.first;
      return;
    }
    const known = new Set(this.jobs.value.map((job) => job.job));
    this.jobs.value = [...this.jobs.value, ...page.jobs.filter((job) => !known.has(job.job))];
    this.next = page.next;
    this.more.value = page.next.state < this.states.length;
  }

  /** Drop or mend rows whose job came to another state. */
  take(events: WorldEvent[]): void {
    if (!this.expanded) return;
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

  private async page(
    from: { state: number; cursor: number },
    limit: number,
  ): Promise<{ jobs: Job[]; total: number; next: { state: number; cursor: number } } | null> {
    const jobs: Job[] = [];
    let total = 0;
    let { state, cursor } = from;
    try {
      while (jobs.length < limit && state < this.states.length) {
        const status = this.states[state]!;
        const page = await getQueue({ ...this.filter, ...this.always, status, cursor, limit: limit - jobs.length });
        jobs.push(...page.jobs);
        total += page.total;
        cursor = page.cursor;
        if (cursor === 0) state += 1;
      }
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
    return { jobs, total, next: { state, cursor } };
  }
}

export const failedJobs = new JobList(["error"], 20);
export const waitingJobs = new JobList(["pending", "blocked"], 3);
/** Blocked for good: no longer legal, or behind one that failed, was called off or is no longer legal. */
export const heldJobs = new JobList(["blocked"], 20, { held: 1 });

/** What the filter of the panel shows; "" is everything. */
export const filter = signal("");
export const filterQuery = computed(() => {
  const value = filter.value;
  if (value.startsWith("model:")) return { model_id: value.slice(6) };
  return value ? { kind: value } : {};
});
