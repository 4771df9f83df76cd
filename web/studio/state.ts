/** What this page shows at this moment. All of it is forgotten on reload but the place in the address. */

import { batch, computed, signal } from "@preact/signals";
import type { Layer, Model, Plan, Planned, Status } from "./api";
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

export interface Preview {
  rect: Rect;
  name: string;
  planned: Planned | null;
  refusal: string;
  starter: boolean;
}

export interface Say {
  tone: "refused" | "done" | "busy";
  title: string;
  text: string;
}

export const models = signal<Model[]>(bootstrap.models);
export const modelId = signal(bootstrap.default_model_id);
export const prompt = signal("");
export const negativePrompt = signal("");

export const status = signal<Status | null>(null);
/** When `status` came, by this page's clock in seconds; ages tick on from there. */
export const statusAt = signal(0);
export const plans = signal<Plan[]>([]);
export const paused = signal(false);
export const extent = signal<Rect | null>(null);
/** Whether the server has said once what stands: before that an empty map means nothing. */
export const loaded = signal(false);
export const link = signal<Link>({ state: "connecting", since: 0, nextTry: 0 });

export const layer = signal<Layer>("generation");
export const tool = signal<Tool>("select");
export const zoom = signal(-2);
export const centre = signal<Cell>([0, 0]);
export const hover = signal<Cell | null>(null);
export const tab = signal<Tab>("queue");
export const selection = signal<ReadonlySet<string>>(new Set());
export const preview = signal<Preview | null>(null);
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
export const waiting = computed(() => (status.value?.counts.pending ?? 0) + (status.value?.counts.blocked ?? 0));
export const failed = computed(() => status.value?.counts.error ?? 0);
export const isEmpty = computed(
  () => loaded.value && extent.value === null && working.value + waiting.value + failed.value === 0,
);

export function select(cells: Iterable<string>): void {
  batch(() => {
    selection.value = new Set(cells);
    say.value = null;
    preview.value = null;
  });
}

export const nameOfModel = (id: string): string => models.value.find((one) => one.model_id === id)?.name ?? id;

