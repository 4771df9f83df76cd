/** What this page shows at this moment. All of it is forgotten on reload but the place in the address. */

import { batch, computed, signal } from "@preact/signals";
import type { Layer, Model, ModelState, Pass, Plan, Planned, Status } from "./api";
import { bootstrap } from "./bootstrap";
import { bounding, cellOf, type Cell, type Rect } from "./geometry";

export type Tool = "select" | "move";
export type Tab = "queue" | "quadrant";

/** How the page hears from the server: open, `down` (the keeper is silent) or `lost` (nothing answers). */
export interface Link {
  state: "connecting" | "open" | "down" | "lost";
  since: number;
  nextTry: number;
}

/** What a plan is to fill: quadrants chosen on the map, or what is left of a plan that cannot go on. */
export type Aim = { kind: "fill"; cells: readonly Cell[]; rect: Rect } | { kind: "rest"; plan: string; name: string };

/** What the server would do: as it is, and with finished neighbours drawn anew where that fills more. */
export interface Answer {
  plain: Planned;
  redo: Planned | null;
  /** The model it was asked for. */
  model: string;
}

export interface Preview {
  aim: Aim;
  starter: boolean;
  name: string;
  repair: boolean;
  answer: Answer | null;
  /** Whether the answer is being asked for anew, because something changed under it. */
  asking: boolean;
  /** Why there is no plan now, although one was looked at. */
  refusal: string;
}

export interface Say {
  tone: "refused" | "done" | "busy";
  title: string;
  text: string;
  /** When the same request is made again, by this page's clock in seconds. */
  again?: number;
}

/** Pictures that lie over the map while they are being looked at. */
export interface Peek {
  name: string;
  pictures: { x: number; y: number; address: string }[];
}

export const models = signal<Model[]>(bootstrap.models);
export const modelId = signal(bootstrap.default_model_id);
export const prompt = signal("");
export const negativePrompt = signal("");

export const status = signal<Status | null>(null);
/** When `status` came, by this page's clock in seconds; ages tick on from there. */
export const statusAt = signal(0);
/** When each model's rate limit ends, by this page's clock in seconds. */
export const limitEnds = signal<ReadonlyMap<string, number>>(new Map());
export const plans = signal<Plan[]>([]);
export const paused = signal(false);
export const extent = signal<Rect | null>(null);
/** Whether the server has said once what stands: before that an empty map means nothing. */
export const loaded = signal(false);
export const link = signal<Link>({ state: "connecting", since: 0, nextTry: 0 });

export const layer = signal<Layer>("generation");
/** What models draw or have drawn; the layers of models that were taken out come last. */
export const layers = computed<Layer[]>(() => [...new Set([...bootstrap.layers, ...Object.keys(status.value?.layers ?? {}).sort()])]);
/** The pass that the render layer shows; null for its colours. */
export const pass = signal<Pass | null>(null);
export const tool = signal<Tool>("select");
export const zoom = signal(-2);
export const centre = signal<Cell>([0, 0]);
export const hover = signal<Cell | null>(null);
export const tab = signal<Tab>("queue");
export const selection = signal<ReadonlySet<string>>(new Set());
export const preview = signal<Preview | null>(null);
/** The plan that the preview shows and that would be asked for. */
export const planned = computed<Planned | null>(() => {
  const answer = preview.value?.answer;
  if (!answer) return null;
  return (preview.value?.repair && answer.redo) || answer.plain;
});
/** What is held against the map at this moment: an old version, a late result. */
export const peek = signal<Peek | null>(null);
/** The quadrant whose reason is shown without a pointer over it. */
export const explained = signal<Cell | null>(null);
/** The sentence under the action bar. */
export const say = signal<Say | null>(null);
/** A short report of what was done, read out and gone after a while. */
export const report = signal("");
export const welcomeClosed = signal(false);
/** Grows with every change of the map's content; what draws the map watches it. */
export const worldTick = signal(0);
/** Seconds by this page's clock, while something on the page has an age. */
export const now = signal(Date.now() / 1_000);

export const selected = computed<Cell[]>(() => [...selection.value].map(cellOf));
export const selectedRect = computed<Rect | null>(() => bounding(selected.value));
export const model = computed(() => models.value.find((one) => one.model_id === modelId.value) ?? null);
export const working = computed(() => status.value?.counts.processing ?? 0);
/** Blocked for good, until somebody retries or plans anew. */
export const held = computed(() => Math.min(status.value?.counts.blocked ?? 0, plans.value.reduce((sum, plan) => sum + plan.held, 0)));
export const waiting = computed(() => (status.value?.counts.pending ?? 0) + (status.value?.counts.blocked ?? 0) - held.value);
/** What each model does now, by its id. */
export const modelStates = computed(() => new Map((status.value?.models ?? []).map((one): [string, ModelState] => [one.model_id, one])));
/** Results that came too late. */
export const late = computed(() => status.value?.orphans ?? 0);
/** Pictures of comparisons to choose from. */
export const candidates = computed(() => status.value?.candidates ?? 0);
export const failed = computed(() => status.value?.counts.error ?? 0);
export const isEmpty = computed(
  () => loaded.value && extent.value === null && working.value + waiting.value + held.value + failed.value === 0,
);

export function select(cells: Iterable<string>): void {
  batch(() => {
    selection.value = new Set(cells);
    say.value = null;
    preview.value = null;
    explained.value = null;
  });
}

export const nameOfModel = (id: string): string => models.value.find((one) => one.model_id === id)?.name ?? id;
