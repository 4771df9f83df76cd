/** What a person can ask for, and what the page says of the answer. */

import { batch } from "@preact/signals";
import {
  postFill,
  postGenerate,
  postJob,
  postPlan,
  postQueue,
  postRender,
  Refused,
  tryFill,
  type Accepted,
  type Wish,
} from "./api";
import { height, width, type Rect } from "./geometry";
import { figuresSoon, reload } from "./refresh";
import * as state from "./state";
import { added, count, planName, sizeOf } from "./words";

const REPORT_MS = 6_000;
/** As many as fit into one request, whatever their coordinates. */
const MOST_RENDERS = 2_500;

/** The model and words that travel with a request: what the top bar shows at this moment. */
function wish(): Wish {
  return {
    model_id: state.modelId.value,
    ...(state.prompt.value ? { prompt: state.prompt.value } : {}),
    ...(state.negativePrompt.value ? { negative_prompt: state.negativePrompt.value } : {}),
  };
}

let reported = 0;
export function tell(text: string): void {
  state.report.value = text;
  clearTimeout(reported);
  reported = window.setTimeout(() => (state.report.value = ""), REPORT_MS);
}

function fact(act: string, error: Refused): string {
  if (/\bseam\b/i.test(error.message)) return `${act} would leave a seam.`;
  return error.code === "UNREACHABLE" ? `${act} was not heard.` : `${act} is not possible here.`;
}

/** Run a request; a refusal becomes the sentence under the selection, with `title` as its fact. */
async function attempt<T>(title: string, request: () => Promise<T>, done: (answer: T) => void): Promise<void> {
  try {
    done(await request());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const sentence = { tone: "refused" as const, title, text: error.message };
    sentence.title = fact(title, error);
    sentence.text = sentence.text.replace(/^It would leave a seam: (.)/, (_, first: string) => first.toUpperCase());
    sentence.text = withNames(sentence.text);
    state.say.value = sentence;
    if (state.selection.value.size === 0) tell(`${sentence.title} ${sentence.text}`);
  }
  figuresSoon(50);
}

function accepted(answer: Accepted): void {
  const text = added(answer.jobs.length, answer.position);
  batch(() => {
    state.say.value = { tone: "done", title: text, text: "" };
  });
  tell(text);
}

/** Why one model call cannot be asked for here at all; the server alone knows about seams. */
export function whyNotGenerate(): string {
  const rect = state.selectedRect.value;
  if (!rect) return "Select up to 2 × 2 quadrants first.";
  if (!state.model.value?.available) return unavailable();
  if (width(rect) > 2 || height(rect) > 2) return "One model call fills at most 2 × 2 quadrants. Fill takes any rectangle.";
  if (width(rect) * height(rect) !== state.selection.value.size) {
    return "One model call fills a full rectangle. Fill takes the rectangle around the selection.";
  }
  return "";
}

export function whyNotFill(): string {
  if (!state.selectedRect.value) return "Select a rectangle first.";
  return state.model.value?.available ? "" : unavailable();
}

function unavailable(): string {
  const model = state.model.value;
  return model ? `${model.name} cannot be called. ${model.reason}` : "There is no model to call.";
}

export function whyNotRender(): string {
  if (state.selection.value.size === 0) return "Select quadrants first.";
  if (state.selection.value.size <= MOST_RENDERS) return "";
  return `One request renders at most ${MOST_RENDERS.toLocaleString("en")} quadrants. Select fewer; Fill renders what it needs.`;
}

export function render(): void {
  const cells = state.selected.value;
  const reason = whyNotRender();
  if (reason && cells.length === 0) return tell(reason);
  if (reason) {
    state.say.value = { tone: "refused", title: "Render is not possible here.", text: reason };
    return;
  }
  void attempt("Render", () => postRender(cells), accepted);
}

export function generate(): void {
  const reason = whyNotGenerate();
  if (reason) {
    if (state.selection.value.size === 0) tell(reason);
    else state.say.value = { tone: "refused", title: "Generate is not possible here.", text: reason };
    return;
  }
  const cells = state.selected.value;
  void attempt("Generate", () => postGenerate(cells, wish()), accepted);
}

/** Look at a plan for the rectangle around the selection; nothing is asked for yet. */
export function fill(): void {
  const rect = state.selectedRect.value;
  const reason = whyNotFill();
  if (!rect || reason) {
    if (rect) state.say.value = { tone: "refused", title: "Fill is not possible here.", text: reason };
    else tell(reason);
    return;
  }
  void look(rect, false);
}

export async function look(rect: Rect, starter: boolean): Promise<void> {
  const shown = (changes: Partial<state.Preview>): void => {
    state.preview.value = { rect, name: "", planned: null, refusal: "", starter, ...changes };
  };
  if (!starter) shown({});
  try {
    const planned = await tryFill(rect, wish());
    const now = state.preview.value;
    // The person may have gone on to something else while the server was thinking.
    if (starter ? !state.isEmpty.value || state.selection.value.size > 0 : now?.rect !== rect) return;
    shown({ planned, name: now?.name ?? "" });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (starter) return;
    batch(() => {
      state.preview.value = null;
      const title = fact("Fill", error);
      state.say.value = { tone: "refused", title, text: withNames(error.message) };
    });
  }
}

/** The sentence with plans by their names instead of the ids that the server made up. */
function withNames(text: string): string {
  return text.replace(/\b(?:[Pp]lan )?((?:fill|render|generate)-[0-9a-f]{16,})/g, (whole, id: string) => {
    const plan = state.plans.value.find((one) => one.plan === id);
    return plan ? `The plan “${planName(plan)}”` : whole;
  });
}

export function usualName(plan: state.Preview): string {
  return plan.starter ? "Starter plan" : `${sizeOf(plan.rect)} at ${plan.rect[0]},${plan.rect[1]}`;
}

export function addPlan(): void {
  const plan = state.preview.value;
  if (!plan?.planned) return;
  void attempt(
    "Fill",
    () => postFill(plan.rect, plan.name.trim() || usualName(plan), wish()),
    (answer) => {
      batch(() => {
        state.select([]);
        state.preview.value = null;
        state.tab.value = "queue";
      });
      tell(added(answer.jobs.length, answer.position));
    },
  );
}

function changed(n: number, one: string): void {
  tell(n ? `${count(n, "job")} ${one}.` : "Nothing to change: it was done already.");
}

const report = (one: string) => (answer: { changed: number }) => changed(answer.changed, one);

async function order(request: () => Promise<{ changed: number }>, done: (answer: { changed: number }) => void): Promise<void> {
  try {
    done(await request());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(error.message);
  }
  figuresSoon(50);
}

export const cancelJob = (job: number): void => void order(() => postJob(job, "cancel"), report("called off"));
export const retryJob = (job: number): void => void order(() => postJob(job, "retry"), report("waiting again"));
export const cancelPlan = (plan: string): void => void order(() => postPlan(plan, "cancel"), report("called off"));
export const retryPlan = (plan: string): void => void order(() => postPlan(plan, "retry"), report("waiting again"));
export const retryFailed = (): void => void order(() => postQueue("retry"), report("waiting again"));
export const clearQueue = (): void => void order(() => postQueue("clear"), report("called off"));

export function pause(on: boolean): void {
  void order(
    () => postQueue(on ? "pause" : "resume"),
    () => {
      state.paused.value = on;
      tell(on ? "Paused. What runs is finished, nothing new begins." : "Work goes on.");
      void reload();
    },
  );
}
