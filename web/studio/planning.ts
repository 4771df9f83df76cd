/** Plans before they are asked for: what the server would do, asked again whenever something changes under it. */

import { batch, effect } from "@preact/signals";
import { attempt, refused, tell, whyNotFill, wish } from "./actions";
import { postFill, postReplan, Refused, tryFill, tryReplan, type Accepted, type Planned, type Region, type WorldEvent } from "./api";
import { bounding, cellsIn, grown, height, meets, width, type Rect } from "./geometry";
import { onEvents } from "./refresh";
import * as state from "./state";
import { added, count, planName, sizeOf } from "./words";

/** A busy map changes many times a second; the plan follows it at this pace. */
const SETTLE_MS = 400;
const LONGEST_MS = 2_000;
/** After how long a busy server is asked again, if it does not say. */
const BUSY_SECONDS = 2;
/** Quadrants around a plan that can matter to it. */
const AROUND = 4;

/** Look at a plan for the selection; nothing is asked for yet. */
export function fill(): void {
  const rect = state.selectedRect.value;
  const reason = whyNotFill();
  if (!rect || reason) {
    if (rect) state.say.value = { tone: "refused", title: "Fill is not possible here.", text: reason };
    else tell(reason);
    return;
  }
  show({ kind: "fill", cells: state.selected.value, rect });
}

/** Look at the plan that begins an empty world. */
export function lookAtStarter(rect: Rect): void {
  show({ kind: "fill", cells: cellsIn(rect), rect }, true);
}

/** Look at new steps for what is left of a plan that cannot go on. */
export function replan(plan: string): void {
  const known = state.plans.value.find((one) => one.plan === plan);
  state.select([]);
  show({ kind: "rest", plan, name: known ? planName(known) : plan });
}

export function closePlan(): void {
  batch(() => {
    state.preview.value = null;
    state.explained.value = null;
  });
}

export function rename(name: string): void {
  change({ name });
}

/** Whether finished neighbours that are in the way are drawn anew. */
export function setRepair(repair: boolean): void {
  change({ repair });
}

export function usualName({ aim, starter }: state.Preview): string {
  if (aim.kind === "rest") return aim.name;
  if (starter) return "Starter plan";
  const { rect, cells } = aim;
  const place = `at ${rect[0]},${rect[1]}`;
  return isFull(aim) ? `${sizeOf(rect)} ${place}` : `${count(cells.length, "quadrant")} ${place}`;
}

/** Why the plan shown cannot be asked for now; "" if it can. */
export function whyNotAdd(plan: state.Preview): string {
  const shown = state.planned.value;
  if (plan.refusal) return plan.refusal;
  if (!shown || !plan.answer) return "The order of work is not known yet.";
  if (plan.aim.kind === "fill" && plan.answer.model !== state.modelId.value) return "The plan is being looked at again for this model.";
  return shown.steps.length === 0 ? "There is nothing to do." : "";
}

/** Ask for the plan as it is shown. */
export function addPlan(): void {
  const plan = state.preview.value;
  const shown = state.planned.value;
  if (!plan || !shown || whyNotAdd(plan)) return;
  const { aim } = plan;
  const repair = plan.repair && plan.answer?.redo === shown;
  const request = (): Promise<Accepted> =>
    aim.kind === "rest" ? postReplan(aim.plan, repair) : postFill(regionOf(aim), repair, plan.name.trim() || usualName(plan), wish());
  void attempt(aim.kind === "rest" ? "Re-plan" : "Fill", request, (answer) => {
    batch(() => {
      state.select([]);
      state.tab.value = "queue";
    });
    const more = answer.left_out_count - shown.left_out_count;
    const first = answer.left_out[0];
    const less = more > 0 ? ` The map changed meanwhile: ${count(more, "more quadrant")} left out. ${first?.reason ?? ""}` : "";
    tell(`${added(answer.jobs.length, answer.position)}${less}`);
  }).then(() => {
    // What was refused may be possible in another way by now.
    if (state.preview.value === plan) again();
  });
}

function isFull(aim: state.Aim & { kind: "fill" }): boolean {
  return aim.cells.length === width(aim.rect) * height(aim.rect);
}

function regionOf(aim: state.Aim & { kind: "fill" }): Region {
  return isFull(aim) ? { rectangle: aim.rect } : { quadrants: aim.cells };
}

function change(changes: Partial<state.Preview>): void {
  if (state.preview.value) state.preview.value = { ...state.preview.value, ...changes };
}

function show(aim: state.Aim, starter = false): void {
  batch(() => {
    state.explained.value = null;
    state.preview.value = { aim, starter, name: "", repair: false, answer: null, asking: false, refusal: "" };
  });
  void look();
}

let looking: state.Aim | null = null;
let missed = false;

/** Ask what the server would do for what is in the preview, and show that. */
async function look(): Promise<void> {
  const aim = state.preview.value?.aim;
  if (!aim) return;
  if (looking === aim) {
    missed = true;
    return;
  }
  looking = aim;
  missed = false;
  change({ asking: true });
  const model = state.modelId.value;
  const ask = (repair: boolean): Promise<Planned> => (aim.kind === "rest" ? tryReplan(aim.plan, repair) : tryFill(regionOf(aim), repair, wish()));
  try {
    const plain = await ask(false);
    const other = plain.left_out_count > 0 && state.preview.value?.aim === aim ? await ask(true) : null;
    const redo = other && other.left_out_count < plain.left_out_count ? other : null;
    // The person may have gone on to something else while the server was thinking.
    if (state.preview.value?.aim === aim) change({ answer: { plain, redo, model }, refusal: "", repair: state.preview.value.repair && redo !== null });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await refuse(aim, error);
  } finally {
    if (looking === aim) looking = null;
    if (state.preview.value?.aim === aim) change({ asking: false });
  }
  if (missed && state.preview.value?.aim === aim) void look();
}

async function refuse(aim: state.Aim, error: Refused): Promise<void> {
  if (error.code === "BUSY" && state.preview.value?.aim === aim) {
    // It passes by itself: the plan stays in view and is looked at again.
    const seconds = error.retryAfter || BUSY_SECONDS;
    change({ refusal: `${error.message} Asked again in ${seconds} s.` });
    setTimeout(() => state.preview.value?.aim === aim && void look(), seconds * 1_000);
    return;
  }
  const sentence = await refused(aim.kind === "rest" ? "Re-plan" : "Fill", error);
  const shown = state.preview.value;
  if (shown?.aim !== aim || shown.starter) return;
  // A plan that was shown before stays in view with the reason; one that never was has nothing to show.
  if (shown.answer) return change({ refusal: `${sentence.title} ${sentence.text}` });
  batch(() => {
    closePlan();
    state.say.value = sentence;
  });
  if (aim.kind === "rest") tell(`${sentence.title} ${sentence.text}`);
}

let timer = 0;
let due = 0;
/** Look again when the map has been quiet for a moment, or at the latest after a while. */
function again(): void {
  if (!state.preview.value) return;
  const now = performance.now();
  due ||= now + LONGEST_MS;
  clearTimeout(timer);
  timer = window.setTimeout(
    () => {
      due = 0;
      void look();
    },
    Math.max(0, Math.min(SETTLE_MS, due - now)),
  );
}

/** The ground that the plan shown depends on. */
function ground(plan: state.Preview): Rect | null {
  const shown = state.planned.value;
  const cells = plan.aim.kind === "fill" ? plan.aim.cells : [];
  const steps = shown?.steps.flatMap((step) => [...step.quadrants, ...step.scaffold, ...step.padding]) ?? [];
  const rect = bounding([...cells, ...steps, ...(shown?.left_out.map((one) => one.quadrant) ?? [])]);
  return rect && grown(rect, AROUND);
}

function concerns(plan: state.Preview, events: WorldEvent[]): boolean {
  let around: Rect | null | undefined;
  return events.some(({ change: news }) => {
    if (news.kind === "plan") return true;
    if (news.kind !== "job" || news.state === "pending" || news.state === "processing") return false;
    around ??= ground(plan);
    const where = bounding([...news.quadrants, ...news.tiles.map((tile) => [tile.x, tile.y] as const)]);
    return where !== null && (!around || meets(around, where));
  });
}

/** Keep the plan shown true: when the map changes under it, or another model is chosen, or the server is back. */
export function followPlan(): void {
  onEvents((events) => {
    const plan = state.preview.value;
    if (plan && concerns(plan, events)) again();
  });
  let model = state.modelId.value;
  let before = state.link.value.state;
  effect(() => {
    const [chosen, link] = [state.modelId.value, state.link.value.state];
    const isNews = chosen !== model || (link === "open" && before !== "open");
    [model, before] = [chosen, link];
    if (isNews && state.preview.peek()) queueMicrotask(() => void look());
  });
}
