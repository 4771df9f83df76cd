/** What a person tells the server to do with jobs, plans, models, late results, candidates and versions. */

import { ask, newKey, post, query, type Accepted, type Candidate, type CandidatePage, type ErrorClass, type JobKind, type JobState, type Lane, type OrphanPage, type OrphanTile } from "./api";
import type { Cell } from "./geometry";

const MOST_PAGES = 10;

export interface Changed {
  changed: number;
}

/** Which jobs are meant: those for which all that is given holds. */
export interface Where {
  states?: JobState[];
  model_id?: string;
  plan?: string;
  kind?: JobKind;
  error_class?: ErrorClass | "seam";
  text?: string;
  held?: boolean;
}

/** What a job asks for; what is not given stays. */
export interface Edits {
  prompt?: string;
  negative_prompt?: string;
  model_id?: string;
  priority?: number;
  lane?: Lane;
}

/** Whose jobs are handed out or not: everybody's, one model's or one plan's. */
export type Whose = Record<string, never> | { model_id: string } | { plan: string; cost_cap?: number };

export type To = { to: "front" | "back" } | { to: "before"; before: number };

/** A plan as programs write it; this page only carries it from the server to a file and back. */
export type PlanText = Record<string, unknown>;

export interface Imported {
  plan: string;
  duplicate: boolean;
  jobs: number;
}

const ofPlan = (plan: string): string => `/api/plans/${encodeURIComponent(plan)}`;

export const postJob = (job: number, act: "cancel" | "retry"): Promise<Changed> => post(`/api/jobs/${job}/${act}`, {});
export const postPlan = (plan: string, act: "cancel" | "retry"): Promise<Changed> => post(`${ofPlan(plan)}/${act}`, {});
export const postPause = (on: boolean, whose: Whose): Promise<Changed> => post(`/api/queue/${on ? "pause" : "resume"}`, whose);
export const postClear = (): Promise<Changed> => post("/api/queue/clear", {});
export const postCancel = (where: Where): Promise<Changed> => post("/api/queue/cancel", { where });
export const postRetry = (where: Where): Promise<Changed> => post("/api/queue/retry", { where });
export const postMove = (jobs: readonly number[], to: To): Promise<Changed> => post("/api/queue/move", { jobs, ...to });
export const postEdit = (jobs: readonly number[], edits: Edits): Promise<Changed> => post("/api/queue/edit", { jobs, ...edits });
export const postImport = (plan: PlanText): Promise<{ plans: Imported[] }> => post("/api/queue/import", { plans: [plan] }, newKey());

/** Where the pending queue, or what one plan still has to do, is to be had as a file. */
export const exportAddress = (plan?: string): string => `/api/queue/export?${query({ plan })}`;

export interface Comparison {
  quadrants: readonly Cell[];
  models: readonly string[];
  seeds: readonly number[];
  prompt?: string;
  negative_prompt?: string;
}

export const postCompare = (asked: Comparison): Promise<Accepted> => post("/api/compare", asked, newKey());

/** Every candidate, as far as anybody looks through. */
export async function getCandidates(): Promise<Candidate[]> {
  const found: Candidate[] = [];
  let cursor = 0;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = await ask<CandidatePage>(`/api/candidates?${query({ cursor: cursor || undefined, limit: 200 })}`);
    found.push(...page.candidates);
    cursor = page.cursor;
    if (!cursor) break;
  }
  return found;
}

/** The picture of one quadrant of a late result or a candidate. */
export const orphanPicture = (orphan: number, tile: OrphanTile): string => `/api/orphans/${orphan}/${tile.layer}/${tile.x}/${tile.y}`;

export const getOrphans = (cursor: number): Promise<OrphanPage> => ask(`/api/orphans?${query({ cursor })}`);
export const postOrphan = (orphan: number, act: "adopt" | "delete"): Promise<unknown> => post(`/api/orphans/${orphan}/${act}`, {});

export const postRevert = (x: number, y: number, version: number): Promise<{ quadrants: number }> =>
  post(`/api/quadrants/${x}/${y}/revert`, { version });
export const postRevertPlan = (plan: string): Promise<{ quadrants: number }> => post(`${ofPlan(plan)}/revert`, {});
