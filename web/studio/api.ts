/** The HTTP API: what it answers, and asking it. */

import type { Camera } from "./camera";
import type { Cell, Rect } from "./geometry";

export type Layer = "render" | "generation";
export type JobState = "blocked" | "pending" | "processing" | "complete" | "error" | "cancelled";
export type JobKind = "render" | "generate" | "palette";
export type Counts = Partial<Record<JobState, number>>;

export interface Model {
  name: string;
  model_id: string;
  provider: string;
  available: boolean;
  reason: string;
  prompt: string;
  negative_prompt: string;
  cost_per_image: number | null;
  max_concurrency: number | null;
}

export interface Bootstrap {
  world: string;
  models: Model[];
  default_model_id: string;
  camera: Camera;
  attribution: string;
  quadrant_size: number;
}

export interface TileRef {
  layer: string;
  x: number;
  y: number;
  version: number;
}

export interface Job {
  job: number;
  plan: string;
  step: string;
  kind: JobKind;
  state: JobState;
  model_id: string;
  prompt: string;
  negative_prompt: string;
  quadrants: Cell[];
  padding: Cell[];
  scaffold: Cell[];
  attempt: number;
  max_attempts: number;
  worker: string;
  doing: string;
  reason: string;
  created_at: number;
  started_at: number;
  finished_at: number;
  retry_at: number;
  position: number;
  /** The job behind which a blocked one is held, which may be itself; 0 if it can go on. */
  held_by: number;
}

export interface Working {
  job: number;
  kind: JobKind;
  plan: string;
  model_id: string;
  quadrants: Cell[];
  worker: string;
  attempt: number;
  age_seconds: number;
  doing: string;
}

export interface Status {
  ok: boolean;
  counts: Counts;
  by_model: Record<string, Counts>;
  working: Working[];
  quadrants: number;
  renders: number;
  per_minute: number;
  last_event: number;
}

export interface MapView {
  last: number;
  tiles: TileRef[];
  jobs: Job[];
  extent: Rect | null;
  paused: boolean;
}

export interface Plan {
  plan: string;
  name: string;
  model_id: string;
  created_at: number;
  settled: boolean;
  counts: Counts;
  quadrants_total: number;
  quadrants_done: number;
  seconds_left: number | null;
  failed: number;
  /** Steps behind a failed one, or no longer legal. */
  held: number;
  /** Whether it cannot go on by itself although something of it is left; `reason` says why. */
  stuck: boolean;
  reason: string;
}

export interface Version {
  version: number;
  layer: string;
  created_at: number;
  current: boolean;
  job: number;
  plan: string;
  model_id: string;
  prompt: string;
  worker: string;
  seconds: number;
  attempt: number;
}

export interface QuadrantView {
  x: number;
  y: number;
  versions: Version[];
  jobs: Job[];
  latitude: number;
  longitude: number;
}

export interface PlannedStep {
  id: string;
  quadrants: Cell[];
  padding: Cell[];
  scaffold: Cell[];
  after: string[];
  wave: number;
}

export interface LeftOut {
  quadrant: Cell;
  reason: string;
}

export type Shape = "2x2" | "2x1" | "1x2" | "1x1";

export interface Estimate {
  calls: number;
  quadrants: number;
  waves: number;
  renders: number;
  shapes: Partial<Record<Shape, number>>;
  seconds_p50: number | null;
  seconds_p90: number | null;
  concurrency: number;
  cost: number | null;
}

export interface Planned {
  steps: PlannedStep[];
  waves: number;
  renders: number;
  left_out: LeftOut[];
  left_out_count: number;
  /** Finished quadrants that the steps draw anew. */
  repaired: Cell[];
  estimate: Estimate;
}

export interface Accepted {
  plan: string;
  jobs: number[];
  position: number;
  model_id: string | null;
  left_out: LeftOut[];
  left_out_count: number;
}

export interface JobPage {
  jobs: Job[];
  cursor: number;
  total: number;
}

export type Change =
  | {
      kind: "job";
      job: number;
      plan: string;
      job_kind: JobKind;
      state: JobState;
      model_id: string;
      quadrants: Cell[];
      attempt: number;
      reason: string;
      tiles: TileRef[];
    }
  | { kind: "plan"; plan: string; name: string; state: "accepted" | "settled"; jobs: number; tiles: TileRef[] }
  | { kind: "queue"; paused: boolean };

export interface WorldEvent {
  seq: number;
  at: number;
  change: Change;
}

/** Raised when the server refuses, with its sentence; code "UNREACHABLE" when there was no answer at all. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details = "",
  ) {
    super(message);
  }
}

/** How far the server's clock is ahead of this one, in seconds; learned from answers. */
export let clockAhead = 0;

async function ask<T>(address: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, { cache: "no-store", ...init });
  } catch {
    throw new Refused("UNREACHABLE", "The server did not answer. Nothing was changed by this page.");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  // The header counts whole seconds, so anything smaller than two is not a difference.
  if (date) clockAhead = Math.abs(date - Date.now()) > 2_000 ? (date - Date.now()) / 1_000 : 0;
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refused("UNREACHABLE", `The server answered ${response.status} without JSON.`);
  }
  if (!response.ok) {
    const error = (body as { error?: { code: string; message: string; details?: string } }).error;
    throw new Refused(error?.code ?? String(response.status), error?.message ?? text, error?.details ?? "");
  }
  return body as T;
}

function post<T>(address: string, body: object, key?: string): Promise<T> {
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
  cursor?: number;
  limit?: number;
}

function query(values: object): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

export const getStatus = (): Promise<Status> => ask("/api/status");
export const getModels = (): Promise<{ models: Model[]; default_model_id: string }> => ask("/api/models");
export const getMap = ([x0, y0, x1, y1]: Rect): Promise<MapView> => ask(`/api/map?${query({ x0, y0, x1, y1 })}`);
export const getQueue = (wanted: JobQuery): Promise<JobPage> => ask(`/api/queue?${query(wanted)}`);
export const getPlans = (): Promise<{ plans: Plan[] }> => ask("/api/plans");
export const getQuadrant = (x: number, y: number): Promise<QuadrantView> => ask(`/api/quadrants/${x}/${y}`);

// A key per act: if the answer is lost and the person presses again, that is a new act and meant so;
// the browser's own resend of one request is harmless.
const newKey = (): string => `studio-${crypto.getRandomValues(new Uint32Array(4)).join("-")}`;

export const postRender = (quadrants: readonly Cell[]): Promise<Accepted> => post("/api/render", { quadrants }, newKey());
export const postGenerate = (quadrants: readonly Cell[], wish: Wish): Promise<Accepted> =>
  post("/api/generate", { quadrants, ...wish }, newKey());
export const postFill = (region: Region, repair: boolean, name: string, wish: Wish): Promise<Accepted> =>
  post("/api/fill", { ...region, repair, name, ...wish }, newKey());
export const tryFill = (region: Region, repair: boolean, wish: Wish): Promise<Planned> =>
  post("/api/fill?dry_run=1", { ...region, repair, ...wish });
export const postReplan = (plan: string, repair: boolean): Promise<Accepted> =>
  post(`/api/plans/${encodeURIComponent(plan)}/replan`, { repair }, newKey());
export const tryReplan = (plan: string, repair: boolean): Promise<Planned> =>
  post(`/api/plans/${encodeURIComponent(plan)}/replan?dry_run=1`, { repair });
export const postJob = (job: number, act: "cancel" | "retry"): Promise<{ changed: number }> =>
  post(`/api/jobs/${job}/${act}`, {});
export const postPlan = (plan: string, act: "cancel" | "retry"): Promise<{ changed: number }> =>
  post(`/api/plans/${encodeURIComponent(plan)}/${act}`, {});
export const postQueue = (act: "pause" | "resume" | "clear" | "retry"): Promise<{ changed: number }> =>
  post(`/api/queue/${act}`, {});

/** The address of exactly one picture; `edition` is the part that says which. */
export function tileAddress(layer: string, z: number, x: number, y: number, edition: string): string {
  return `/tiles/${layer}/${z}/${x}/${y}?${edition}`;
}
