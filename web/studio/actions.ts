/** What a person can ask for, and what the page says of the answer. */

import { batch } from "@preact/signals";
import { getPlans, postGenerate, postRender, Refused, type Accepted, type Wish } from "./api";
import { height, width } from "./geometry";
import { figuresSoon } from "./refresh";
import { insist } from "./replies";
import * as state from "./state";
import { added, planName } from "./words";

const REPORT_MS = 6_000;
/** As many as fit into one request, whatever their coordinates. */
const MOST_RENDERS = 2_500;
const MOST_FILLED = 60_000;

/** The model and words that travel with a request: what the top bar shows at this moment. */
export function wish(): Wish {
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
  if (error.code === "CONFLICT" && /\b[Pp]lan\b/.test(error.message)) return "Another plan has this ground.";
  if (/\bseam\b/i.test(error.message)) return `${act} would leave a seam.`;
  return error.code === "UNREACHABLE" ? `${act} was not heard.` : `${act} is not possible here.`;
}

/** A refusal as the page says it: its fact and its effect, with plans by their names. */
export async function refused(act: string, error: Refused): Promise<state.Say> {
  const text = error.message.replace(/^It would leave a seam: (.)/, (_, first: string) => first.toUpperCase());
  if (error.code === "CONFLICT" && withNames(text) === text) {
    // A plan that came a moment ago.
    await getPlans().then(
      (answer) => (state.plans.value = answer.plans),
      () => {},
    );
  }
  return { tone: "refused", title: fact(act, error), text: withNames(text) };
}

/** Run a request; a refusal becomes the sentence under the selection. */
export async function attempt<T>(act: string, request: () => Promise<T>, done: (answer: T) => void): Promise<void> {
  try {
    const answer = await insist("map", request, (word) => {
      state.say.value = word;
      if (state.selection.value.size === 0 || state.preview.value) tell(word.title);
    });
    if (answer === null) return;
    if (state.say.value?.tone === "busy") state.say.value = null;
    done(answer);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const sentence = await refused(act, error);
    state.say.value = sentence;
    if (state.selection.value.size === 0 || state.preview.value) tell(`${sentence.title} ${sentence.text}`);
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
  if (width(rect) > 2 || height(rect) > 2) return "One model call fills at most 2 × 2 quadrants. Fill takes any number.";
  if (width(rect) * height(rect) !== state.selection.value.size) {
    return "One model call fills a full rectangle. Fill takes any quadrants.";
  }
  return "";
}

export function whyNotFill(): string {
  const rect = state.selectedRect.value;
  if (!rect) return "Select quadrants first.";
  const size = state.selection.value.size;
  if (size > MOST_FILLED && size !== width(rect) * height(rect)) {
    return `One fill takes at most ${MOST_FILLED.toLocaleString("en")} quadrants that are no rectangle. Select fewer.`;
  }
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

/** The sentence with plans by their names instead of their ids. */
export function withNames(text: string): string {
  return text.replace(/\b[Pp]lan ([A-Za-z0-9][A-Za-z0-9._:/+,-]*[A-Za-z0-9])/g, (whole, id: string) => {
    const plan = state.plans.value.find((one) => one.plan === id);
    return plan ? `The plan “${planName(plan)}”` : whole;
  });
}
