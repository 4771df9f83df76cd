/** Behind what a step is held: asked for when somebody looks, and known until something happens to it. */

import { signal } from "@preact/signals";
import { getJob, Refused, type Job } from "./api";
import { onEvents } from "./refresh";
import { sentence, title } from "./words";
import { isStuck } from "./world";

const MOST_KNOWN = 500;

const known = signal<ReadonlyMap<number, Job>>(new Map());
const asked = new Set<number>();

/** A job by its number; null until the server has said. */
export function jobOf(job: number): Job | null {
  const found = known.value.get(job);
  if (!found && job && !asked.has(job)) void ask(job);
  return found ?? null;
}

async function ask(job: number): Promise<void> {
  asked.add(job);
  try {
    const { job: answer } = await getJob(job);
    const all = known.value.size < MOST_KNOWN ? new Map(known.value) : new Map();
    known.value = all.set(job, answer);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    setTimeout(() => asked.delete(job), 2_000);
    return;
  }
  asked.delete(job);
}

/** Forget jobs that something happened to, and all that were held: what they waited for may be another one now. */
onEvents((events) => {
  const changed = new Set(events.flatMap(({ change }) => (change.kind === "job" ? [change.job] : [])));
  const isOver = events.some(({ change }) => change.kind === "job" && change.state !== "processing");
  const kept = [...known.value].filter(([id, job]) => !changed.has(id) && !(isOver && job.held_by));
  if (kept.length < known.value.size) known.value = new Map(kept);
});

const fateOf = (holder: Job): string => (isStuck(holder) ? "would leave a seam by now" : holder.state === "error" ? "failed" : "was called off");

/** The same in a list, where the other one says itself what became of it. */
export function behind(job: Pick<Job, "state" | "reason" | "held_by">, holder: Job | null): string {
  return holder && !isStuck(job) ? `Behind ${title(holder)}, which ${fateOf(holder)}.` : whyHeld(job, holder);
}

/** Why a held step cannot go on: what it waits for by its quadrants, and what became of that. */
export function whyHeld(job: Pick<Job, "state" | "reason" | "held_by">, holder: Job | null): string {
  if (isStuck(job)) return sentence(job.reason);
  if (!holder) return job.held_by ? `Held behind job ${job.held_by}.` : "Held behind a step that failed or was called off.";
  const what = fateOf(holder);
  const why = holder.reason && holder.state !== "cancelled" ? `: ${sentence(holder.reason)}` : ".";
  return `Held behind ${title(holder)}, which ${what}${why}`;
}
