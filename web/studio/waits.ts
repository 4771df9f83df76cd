/** Why something does not go on at once, and for how long: limits, refused keys, pauses, tries put off. */

import type { Job, ModelState, Status } from "./api";
import { clockAhead } from "./clock";
import { limitEnds, modelStates, nameOfModel, now, paused, plans } from "./state";
import { countdown } from "./words";

/** Two answers that differ by less than this tell of the same limit. */
const SAME_SECONDS = 2;

/**
 * When each model's limit ends, by this page's clock. An answer that was long on its way says a later end than is
 * true, so of several the earliest counts: a countdown never jumps back.
 */
export function endsOf(status: Status, before: ReadonlyMap<string, number>, heard: number): Map<string, number> {
  const ends = new Map<string, number>();
  for (const one of status.models) {
    if (one.until_seconds <= 0) continue;
    const end = heard + one.until_seconds;
    const known = before.get(one.model_id);
    ends.set(one.model_id, known !== undefined && Math.abs(end - known) < SAME_SECONDS ? Math.min(end, known) : end);
  }
  return ends;
}

/** How long the model's rate limit lasts from now on. */
export const limitedFor = (model_id: string): number => Math.max(0, (limitEnds.value.get(model_id) ?? 0) - now.value);

/** Whether the model was stopped because of what it answered, and not by a person. */
export const isStopped = (one: ModelState): boolean => one.paused && one.reason !== "";

/** Whether its budget for today is used up: only time or another budget helps. */
export const isSpent = (one: ModelState): boolean => one.state === "spent";

/** Why nothing of a model is begun now; "" if it can be called. */
export function whyModelWaits(model_id: string): string {
  const one = modelStates.value.get(model_id);
  const name = nameOfModel(model_id);
  if (one && isStopped(one)) return `${name} is stopped`;
  if (one?.paused) return `${name} is paused`;
  const seconds = limitedFor(model_id);
  if (one && isSpent(one)) return seconds > 0 ? `${name} has spent today's budget: ${countdown(seconds)}` : "";
  return seconds > 0 ? `waits for ${name}: ${countdown(seconds)}` : "";
}

type Waiting = Pick<Job, "plan" | "model_id">;

/** Why a job that could begin does not, other than that it is not its turn; "" if that is all. */
export function whyWaits(job: Waiting): string {
  if (paused.value) return "the queue is paused";
  if (plans.value.some((plan) => plan.plan === job.plan && plan.paused)) return "its plan is paused";
  return job.model_id ? whyModelWaits(job.model_id) : "";
}

/** How long a job is still put off after a try that failed. */
export const putOffFor = (job: Pick<Job, "retry_at">): number => (job.retry_at ? Math.max(0, job.retry_at - clockAhead() - now.value) : 0);
