/** Asking the HTTP API. */

import type { Accepted, Job, JobPage, MapView, Model, Plan, Planned, QuadrantView, Status } from "./answers";
import { hear } from "./clock";
import type { Cell, Rect } from "./geometry";

export type * from "./answers";

/** Raised when the server refuses, with its sentence; code "UNREACHABLE" when there was no answer at all. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details = "",
    /** After how many seconds the same request may be made again; 0 if the server did not say. */
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

const LONGEST_ANSWER_MS = 60_000;

export async function ask<T>(address: string, init?: RequestInit): Promise<T> {
  let response: Response;
  let text: string;
  const asked = Date.now() / 1_000;
  try {
    // Who only asks gives up some time: a connection that broke in silence would hold up all further questions.
    const patience = init ? {} : { signal: AbortSignal.timeout(LONGEST_ANSWER_MS) };
    response = await fetch(address, { cache: "no-store", ...patience, ...init });
    text = await response.text();
  } catch {
    throw new Refused("UNREACHABLE", "The server did not answer. Nothing was changed by this page.");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  if (date) hear(date / 1_000, asked, Date.now() / 1_000);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refused("UNREACHABLE", `The server answered ${response.status} without JSON.`);
  }
  if (!response.ok) {
    const error = (body as { error?: { code: string; message: string; details?: string } }).error;
    const after = Number(response.headers.get("retry-after") ?? 0) || 0;
    throw new Refused(error?.code ?? String(response.status), error?.message ?? text, error?.details ?? "", after);
  }
  return body as T;
}

export function post<T>(address: string, body: object, key?: string): Promise<T> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  return ask<T>(address, { method: "POST", headers, body: JSON.stringify(body) });
}

export interface Wish {
  model_id: string;
  prompt?: string;
  negative_prompt?: string;
}

/** What is to be filled: a rectangle or any quadrants. */
export type Region = { rectangle: Rect } | { quadrants: readonly Cell[] };

export interface JobQuery {
  status?: string;
  model_id?: string;
  plan?: string;
  kind?: string;
  held?: 1;
  newest?: 1;
  turn?: 1;
  error_class?: string;
  text?: string;
  cursor?: number;
  limit?: number;
}

export function query(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

export const getStatus = (): Promise<Status> => ask("/api/status");
export const getModels = (): Promise<{ models: Model[]; default_model_id: string }> => ask("/api/models");
export const getMap = ([x0, y0, x1, y1]: Rect): Promise<MapView> => ask(`/api/map?${query({ x0, y0, x1, y1 })}`);
export const getQueue = (wanted: JobQuery): Promise<JobPage> => ask(`/api/queue?${query(wanted)}`);
export const getJob = (job: number): Promise<{ job: Job }> => ask(`/api/jobs/${job}`);
export const getPlans = (): Promise<{ plans: Plan[] }> => ask("/api/plans");
export const getQuadrant = (x: number, y: number): Promise<QuadrantView> => ask(`/api/quadrants/${x}/${y}`);

// A key per act: if the answer is lost and the person presses again, that is a new act and meant so;
// the browser's own resend of one request is harmless.
export const newKey = (): string => `studio-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;

export const postRender = (quadrants: readonly Cell[]): Promise<Accepted> => post("/api/render", { quadrants }, newKey());
export const postGenerate = (quadrants: readonly Cell[], wish: Wish): Promise<Accepted> =>
  post("/api/generate", { quadrants, ...wish }, newKey());
export const postFill = (region: Region, repair: boolean, name: string, wish: Wish): Promise<Accepted> =>
  post("/api/fill", { ...region, repair, name, ...wish }, newKey());
export const tryFill = (region: Region, repair: boolean, wish: Wish): Promise<Planned> =>
  post("/api/fill?dry_run=1", { ...region, repair, ...wish });
/** A plan of one call that draws one finished quadrant anew. */
const again = (cell: Cell, wish: Wish): object => ({
  ...wish,
  name: `Again ${cell.join()}`,
  lane: "interactive",
  repair: [cell],
  steps: [{ id: "again", quadrants: [cell] }],
});
export const postAgain = (cell: Cell, wish: Wish): Promise<Accepted> => post("/api/plans", again(cell, wish), newKey());
export const tryAgain = (cell: Cell, wish: Wish): Promise<Planned> => post("/api/plans?dry_run=1", again(cell, wish));
export const postReplan = (plan: string, repair: boolean): Promise<Accepted> =>
  post(`/api/plans/${encodeURIComponent(plan)}/replan`, { repair }, newKey());
export const tryReplan = (plan: string, repair: boolean): Promise<Planned> =>
  post(`/api/plans/${encodeURIComponent(plan)}/replan?dry_run=1`, { repair });

/** The address of exactly one picture; `edition` is the part that says which. */
export function tileAddress(layer: string, z: number, x: number, y: number, edition: string): string {
  return `/tiles/${layer}/${z}/${x}/${y}?${edition}`;
}
