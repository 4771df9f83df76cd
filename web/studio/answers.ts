/** What the HTTP API answers, as types. */

import type { Camera } from "./camera";
import type { Cell, Rect } from "./geometry";

/** `render`, `generation`, or the name of another layer that models draw. */
export type Layer = string;
/** What can be shown of the renders in place of their colours. */
export type Pass = "depth16" | "normals" | "object_id" | "class";
export type JobState = "blocked" | "pending" | "processing" | "complete" | "error" | "cancelled";
export type JobKind = "render" | "generate" | "palette";
export type Lane = "interactive" | "bulk";
export type Counts = Partial<Record<JobState, number>>;

export interface Model {
  name: string;
  model_id: string;
  provider: string;
  output_layer: Layer;
  input_layer: Layer;
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
  passes: Pass[];
  /** What models draw, the map itself first. */
  layers: Layer[];
  attribution: string;
  quadrant_size: number;
}

export interface TileRef {
  layer: string;
  x: number;
  y: number;
  version: number;
  /** Whether a neighbour that it was made to match has been replaced since. */
  stale?: boolean;
}

export type ErrorClass =
  | "transient"
  | "rate_limited"
  | "rejected"
  | "auth"
  | "moderated"
  | "bad_image"
  | "unavailable"
  | "bug";

export interface Job {
  job: number;
  plan: string;
  step: string;
  kind: JobKind;
  state: JobState;
  model_id: string;
  /** What a model call draws; "" of all other jobs. */
  layer: Layer | "";
  prompt: string;
  negative_prompt: string;
  quadrants: Cell[];
  padding: Cell[];
  scaffold: Cell[];
  lane: Lane;
  /** A person's wish: within its lane the higher comes first. */
  priority: number;
  attempt: number;
  max_attempts: number;
  /** Workers that died over it. */
  deaths: number;
  worker: string;
  doing: string;
  reason: string;
  error_class: ErrorClass | "seam" | "";
  /** Whether it waits because its plan, its model or the whole queue is paused. */
  paused: boolean;
  seconds_left: number | null;
  created_at: number;
  started_at: number;
  finished_at: number;
  retry_at: number;
  position: number;
  /** The job behind which a blocked one is held, which may be itself; 0 if it can go on. */
  held_by: number;
  /** Whether it is blocked for good, until somebody brings it or what it waits for on. */
  held: boolean;
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

/** What one model does now. */
export interface ModelState {
  model_id: string;
  paused: boolean;
  state: "ready" | "paused" | "limited" | "failing" | "probing" | "spent";
  /** For how long it is still not called, where that ends by itself. */
  until_seconds: number;
  reason: string;
  rate_per_minute: number;
  seconds_p50: number | null;
  seconds_p90: number | null;
  in_hands: number;
  pending: number;
  daily_budget: number | null;
  /** Of the budget, calls under way included. */
  spent_today: number | null;
}

export interface Status {
  ok: boolean;
  counts: Counts;
  by_model: Record<string, Counts>;
  working: Working[];
  quadrants: number;
  renders: number;
  /** How many quadrants stand of each layer that models drew. */
  layers: Record<Layer, number>;
  per_minute: number;
  last_event: number;
  paused: boolean;
  models: ModelState[];
  /** Results that came too late and wait for a person. */
  orphans: number;
  /** Pictures of comparisons that nobody has chosen or deleted. */
  candidates: number;
  drafts: Draft[];
}

/** A large plan that is not accepted yet: its steps come in parts, or it is drawn up and proved. */
export interface Draft {
  plan: string;
  name: string;
  /** How many were announced; 0 if they are still to be found. */
  steps: number;
  here: number;
  drawing: boolean;
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
  paused: boolean;
  /** How many of its jobs are in the queue by now, of `jobs`: a large plan is put in little by little. */
  entered: number;
  jobs: number;
  rate_per_minute: number;
  /** Of the calls made so far; null where the models state no price. */
  cost: number | null;
  /** What it may cost in all; when that is used up it is paused, with the reason. */
  cost_cap: number | null;
  /** What calls may cost of which nobody knows yet. */
  reserved: number;
}

/** A neighbour that a model was shown. */
export interface Seen {
  layer: Layer;
  x: number;
  y: number;
  version: number;
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
  negative_prompt: string;
  seed: number | null;
  parameters: string;
  template: string;
  renders: string;
  saw: Seen[];
  worker: string;
  seconds: number;
  model_seconds: number;
  cost: number | null;
  attempt: number;
  source: string;
  seam: number | null;
  flagged: boolean;
  scaffold: boolean;
  stale: boolean;
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
  /** Whether `total` is only how many were found on this page, and there may be more. */
  at_least?: boolean;
}

export type Change =
  | {
      kind: "job";
      job: number;
      plan: string;
      job_kind: JobKind;
      state: JobState;
      model_id: string;
      layer: Layer | "";
      quadrants: Cell[];
      attempt: number;
      reason: string;
      tiles: TileRef[];
    }
  | { kind: "plan"; plan: string; name: string; state: "accepted" | "settled"; jobs: number; tiles: TileRef[] }
  | { kind: "queue"; paused: boolean; model_id: string; plan: string; reason: string }
  | { kind: "map"; tiles: TileRef[] }
  | { kind: "late"; job: number; plan: string; state: "kept" | "deleted" };

export interface WorldEvent {
  seq: number;
  at: number;
  change: Change;
}

/** One image of a late result. */
export interface OrphanTile {
  layer: string;
  x: number;
  y: number;
  sha256: string;
}

/** One result that came too late: kept, since it was paid for. */
export interface Orphan {
  orphan: number;
  job: number;
  plan: string;
  model_id: string;
  prompt: string;
  tiles: OrphanTile[];
  worker: string;
  seconds: number;
  attempt: number;
  received_at: number;
  adoptable: boolean;
  /** Why it cannot be put on the map now; "" if it can. */
  reason: string;
}

/** One picture of a comparison, or the job that is to make it: on no map until somebody chooses it. */
export interface Candidate {
  job: number;
  plan: string;
  quadrants: Cell[];
  model_id: string;
  prompt: string;
  /** What was asked for, or what the model says it used. */
  seed: number | null;
  state: JobState;
  doing: string;
  /** The number by which its pictures are had and it is chosen; 0 until they are there. */
  orphan: number;
  tiles: OrphanTile[];
  seconds: number;
  cost: number | null;
  /** Whether a border of it is stronger than the model is allowed. */
  flagged: boolean;
  adopted: boolean;
  adoptable: boolean;
  /** Why it failed or cannot be put on the map now; "" if it can. */
  reason: string;
}

export interface CandidatePage {
  candidates: Candidate[];
  cursor: number;
}

export interface OrphanPage {
  orphans: Orphan[];
  cursor: number;
  total: number;
}
