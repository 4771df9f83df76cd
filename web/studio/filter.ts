/** Which jobs the panel shows: chosen by the person and kept in the page's address, never in the browser. */

import { computed, effect, signal } from "@preact/signals";
import type { ErrorClass, JobKind, JobQuery, JobState } from "./api";
import type { Where } from "./orders";

/** Where a job stands, as the panel's sections have it. */
export type Standing = "waiting" | "working" | "failed" | "held" | "finished" | "cancelled";

export interface Filter {
  state: Standing | "";
  kind: string;
  model: string;
  plan: string;
  error: string;
  text: string;
}

const NAMES = ["state", "kind", "model", "plan", "error", "text"] as const;
const NONE: Filter = { state: "", kind: "", model: "", plan: "", error: "", text: "" };

export const STANDINGS: [Standing, string][] = [
  ["failed", "Failed"],
  ["held", "Cannot go on"],
  ["working", "Working"],
  ["waiting", "Waiting"],
  ["finished", "Finished"],
  ["cancelled", "Called off"],
];

const STATES: Record<Standing, JobState[]> = {
  waiting: ["pending", "blocked"],
  working: ["processing"],
  failed: ["error"],
  held: ["blocked"],
  finished: ["complete"],
  cancelled: ["cancelled"],
};
/** What can still be called off. */
const OPEN: JobState[] = ["pending", "blocked", "processing"];

function read(): Filter {
  const given = new URLSearchParams(location.search);
  const found: Record<keyof Filter, string> = { ...NONE };
  for (const name of NAMES) found[name] = given.get(name) ?? "";
  const state = STANDINGS.some(([one]) => one === found.state) ? (found.state as Standing) : "";
  return { ...found, state };
}

export const filter = signal<Filter>(read());
export const isFiltered = computed(() => NAMES.some((name) => filter.value[name] !== ""));

export function narrow(changes: Partial<Filter>): void {
  filter.value = { ...filter.value, ...changes };
}

export function showAll(): void {
  filter.value = NONE;
}

/** Whether a section of the panel is shown; what has ended is shown only where somebody asks for it. */
export function shows(standing: Standing): boolean {
  const { state, error } = filter.value;
  if (state) return state === standing;
  if (standing === "finished" || standing === "cancelled") return false;
  return !error || standing === "failed" || standing === "waiting" || standing === "held";
}

export const filterQuery = computed<JobQuery>(() => {
  const { kind, model, plan, error, text } = filter.value;
  return {
    ...(kind ? { kind } : {}),
    ...(model ? { model_id: model } : {}),
    ...(plan ? { plan } : {}),
    ...(error ? { error_class: error } : {}),
    ...(text ? { text } : {}),
  };
});

/** The jobs shown that an act is for: those still open to be called off, those failed to be retried. */
export function target(act: "cancel" | "retry"): { query: JobQuery; where: Where } | null {
  const { state, kind, model, plan, error, text } = filter.value;
  const able: JobState[] = act === "retry" ? ["error"] : OPEN;
  const states = state ? STATES[state].filter((one) => able.includes(one)) : able;
  if (states.length === 0) return null;
  const held = state === "held";
  const where: Where = {
    states,
    ...(kind ? { kind: kind as JobKind } : {}),
    ...(model ? { model_id: model } : {}),
    ...(plan ? { plan } : {}),
    ...(error ? { error_class: error as ErrorClass } : {}),
    ...(text ? { text } : {}),
    ...(held ? { held } : {}),
  };
  const query: JobQuery = { ...filterQuery.value, status: states.join(","), ...(held ? { held: 1 } : {}) };
  return { query, where };
}

effect(() => {
  const given = new URLSearchParams(location.search);
  for (const name of NAMES) {
    if (filter.value[name]) given.set(name, filter.value[name]);
    else given.delete(name);
  }
  const search = given.size ? `?${given}` : "";
  if (search !== location.search) history.replaceState(null, "", `${location.pathname}${search}${location.hash}`);
});
