/** What a person does to the queue: jobs, plans and models, held, moved, changed, tried again, called off. */

import { tell, withNames } from "./actions";
import { getQueue, Refused, type ErrorClass, type JobQuery } from "./api";
import * as orders from "./orders";
import { figuresSoon, reload } from "./refresh";
import { hush, insist, isHeard, reply } from "./replies";
import { paused, type Say } from "./state";
import { count } from "./words";

/** Pages that are counted before a number is said. */
const MOST_PAGES = 12;
/** After how long what was said must stand somewhere. */
const HEARD_MS = 100;
/** An act that is answered sooner than this says nothing before. */
const SILENCE_MS = 1_500;
/** Requests for single jobs that are under way at once. */
const AT_ONCE = 4;

/** Run a request; what the server says against it stands where the act was, till it is read. */
export async function order<T>(place: string, request: () => Promise<T>, done: (answer: T) => void): Promise<boolean> {
  hush(place);
  let isDone = false;
  // A server that is slow or away takes seconds to say so; meanwhile it is seen that the act was heard.
  const silence = setTimeout(() => reply(place, { tone: "busy", title: "Asked. There is no answer yet.", text: "" }), SILENCE_MS);
  try {
    const say = (word: Say): void => {
      clearTimeout(silence);
      reply(place, { ...word, title: withNames(word.title) });
    };
    const answer = await insist(place, request, say, true);
    if (answer !== null) {
      hush(place);
      done(answer);
      isDone = true;
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const text = withNames(error.message);
    reply(place, { tone: "refused", title: "", text });
    setTimeout(() => isHeard(place) || tell(text), HEARD_MS);
  }
  clearTimeout(silence);
  figuresSoon(50);
  return isDone;
}

const report =
  (what: string) =>
  ({ changed }: orders.Changed): void =>
    tell(changed ? `${count(changed, "job")} ${what}.` : "Nothing to change: it was done already.");

const CALLED_OFF = report("called off");
const WAITING = report("waiting again");

export const cancelJob = (job: number): void => void order(`job:${job}`, () => orders.postJob(job, "cancel"), CALLED_OFF);
export const retryJob = (job: number): void => void order(`job:${job}`, () => orders.postJob(job, "retry"), WAITING);
export const cancelPlan = (plan: string): void => void order(`plan:${plan}`, () => orders.postPlan(plan, "cancel"), CALLED_OFF);
/** Call off a plan that is not accepted yet: nothing of it is kept. */
export const dropDraft = (plan: string, name: string): void => void order(`plan:${plan}`, () => orders.postPlan(plan, "cancel"), () => tell(`${name} is called off.`));

export const retryPlan = (plan: string): void => void order(`plan:${plan}`, () => orders.postPlan(plan, "retry"), WAITING);
export const clearQueue = (): void => void order("queue", orders.postClear, CALLED_OFF);
export const retryWhere = (place: string, where: orders.Where): void => void order(place, () => orders.postRetry(where), WAITING);
export const cancelWhere = (place: string, where: orders.Where): void => void order(place, () => orders.postCancel(where), CALLED_OFF);
export const retryClass = (error_class: ErrorClass): void => retryWhere(`class:${error_class}`, { states: ["error"], error_class });

/** Call off or retry some jobs one by one; the first refusal is said, the others go on. */
export function changeEach(place: string, jobs: readonly number[], act: "cancel" | "retry"): Promise<boolean> {
  const all = async (): Promise<orders.Changed> => {
    const left = [...jobs];
    let changed = 0;
    let refusal: Refused | null = null;
    const hand = async (): Promise<void> => {
      for (let job = left.shift(); job !== undefined; job = left.shift()) {
        try {
          changed += (await orders.postJob(job, act)).changed;
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          refusal ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, hand));
    if (refusal && !changed) throw refusal;
    return { changed };
  };
  return order(place, all, act === "cancel" ? CALLED_OFF : WAITING);
}

export type To = orders.To;

const PLACES = { front: "moved to the front", back: "moved to the back", before: "moved" };

export function move(place: string, jobs: readonly number[], to: orders.To): Promise<boolean> {
  return order(place, () => orders.postMove(jobs, to), report(PLACES[to.to]));
}

export function edit(place: string, jobs: readonly number[], edits: orders.Edits): Promise<boolean> {
  return order(place, () => orders.postEdit(jobs, edits), report("changed"));
}

export function pause(on: boolean): void {
  void order(
    "queue",
    () => orders.postPause(on, {}),
    () => {
      paused.value = on;
      tell(on ? "Paused. What runs is finished, nothing new begins." : "Work goes on.");
      void reload();
    },
  );
}

export function pauseModel(model_id: string, name: string, on: boolean): void {
  const said = on ? `${name} is paused. What runs is finished.` : `${name} goes on.`;
  void order(`model:${model_id}`, () => orders.postPause(on, { model_id }), () => tell(said));
}

/** `cap` is what the plan may cost in all from now on. */
export function pausePlan(plan: string, name: string, on: boolean, cap?: number): void {
  const said = on ? `${name} is paused. What runs is finished.` : `${name} goes on.`;
  void order(`plan:${plan}`, () => orders.postPause(on, cap === undefined ? { plan } : { plan, cost_cap: cap }), () => tell(said));
}

const CHANGED_MAP = ({ quadrants }: { quadrants: number }): void => {
  tell(quadrants ? `${count(quadrants, "quadrant")} put back.` : "Nothing to put back: it stands as it was.");
  void reload();
};

export function putBack(x: number, y: number, version: number): Promise<boolean> {
  return order(`quadrant:${x},${y}`, () => orders.postRevert(x, y, version), CHANGED_MAP);
}

export function revertPlan(plan: string): Promise<boolean> {
  return order(`plan:${plan}`, () => orders.postRevertPlan(plan), CHANGED_MAP);
}

/** How many jobs a question would touch, said before it is asked; `atLeast` where counting all would take too long. */
export async function howMany(wanted: JobQuery): Promise<{ n: number; atLeast: boolean }> {
  let n = 0;
  let cursor = 0;
  try {
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await getQueue({ ...wanted, cursor, limit: 500 });
      if (!answer.at_least) return { n: n + (cursor ? answer.jobs.length : answer.total), atLeast: false };
      n += answer.jobs.length;
      cursor = answer.cursor;
      if (cursor === 0) return { n, atLeast: false };
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return { n, atLeast: n > 0 };
}
