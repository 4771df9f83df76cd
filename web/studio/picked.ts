/** The jobs picked in the lists, and those that are being moved to another place in the line. */

import { computed, signal } from "@preact/signals";
import type { Job, WorldEvent } from "./api";
import { waitingJobs } from "./lists";
import * as steering from "./steering";

/** As many as one order may name. */
export const MOST = 500;

/** What a list knows of a job that can be picked. */
export type Row = Pick<Job, "job" | "kind" | "state" | "model_id" | "plan" | "quadrants"> & Partial<Job>;

export const picked = signal<ReadonlyMap<number, Row>>(new Map());
/** The jobs for which a place is being looked for. */
export const moving = signal<readonly number[]>([]);
/** The job before which those that are dragged would be put down; 0 is the end. */
export const dropAt = signal<number | null>(null);

export const isMovable = (row: Row): boolean => row.state === "pending" || row.state === "blocked";
export const isOpen = (row: Row): boolean => isMovable(row) || row.state === "processing";
/** What has failed is changed, too, before it is tried again. */
export const isEditable = (row: Row): boolean => row.kind === "generate" && (isMovable(row) || isOver(row));
export const isOver = (row: Row): boolean => row.state === "error" || row.state === "cancelled";

const those = (fits: (row: Row) => boolean) => computed(() => [...picked.value.values()].filter(fits).map((row) => row.job));
export const movable = those(isMovable);
export const open = those(isOpen);
export const over = those(isOver);
export const editable = those(isEditable);

/** Pick or drop rows; no more than one order may name. */
export function pick(rows: readonly Row[], on: boolean): void {
  const all = new Map(picked.value);
  for (const row of rows) {
    if (!on) all.delete(row.job);
    else if (all.size < MOST) all.set(row.job, row);
  }
  picked.value = all;
}

export function dropAll(): void {
  picked.value = new Map();
  moving.value = [];
}

/** Follow what becomes of the picked: what has ended for good is let go. */
export function takePicked(events: WorldEvent[]): void {
  if (picked.value.size === 0) return;
  let all: Map<number, Row> | null = null;
  for (const { change } of events) {
    if (change.kind !== "job") continue;
    const row = (all ?? picked.value).get(change.job);
    if (!row || row.state === change.state) continue;
    all ??= new Map(picked.value);
    if (change.state === "complete") all.delete(change.job);
    else all.set(change.job, { ...row, state: change.state });
  }
  if (all) picked.value = all;
}

/** The jobs that go with one that is taken hold of: all that are picked if it is one of them. */
export function together(job: number): number[] {
  return picked.value.has(job) ? movable.value : [job];
}

/** Move jobs in the order in which they stand now, whatever the order in which they were picked. */
export function moveTo(jobs: readonly number[], to: steering.To, place: string): void {
  moving.value = [];
  if (jobs.length === 0) return;
  const line = new Map(waitingJobs.jobs.value.map((job, i) => [job.job, i]));
  const ordered = [...jobs].sort((a, b) => (line.get(a) ?? Infinity) - (line.get(b) ?? Infinity) || a - b);
  void steering.move(place, ordered, to);
}

/** Put down before a job what is being moved. */
export function putBefore(jobs: readonly number[], before: number, place: string): void {
  const others = jobs.filter((job) => job !== before);
  if (others.length) moveTo(others, { to: "before", before }, place);
  else moving.value = [];
}

/** One place up or down among the rows in sight, as the arrow keys ask for it. */
export function step(rows: readonly Row[], job: number, by: -1 | 1): void {
  const at = rows.findIndex((row) => row.job === job);
  if (at < 0) return;
  const place = `job:${job}`;
  if (by < 0 && at > 0) moveTo([job], { to: "before", before: rows[at - 1]!.job }, place);
  if (by > 0 && at < rows.length - 1) {
    // Before the one after the next; behind the last in sight there may be more.
    const after = rows[at + 2];
    if (after) moveTo([job], { to: "before", before: after.job }, place);
    else moveTo([rows[at + 1]!.job], { to: "before", before: job }, place);
  }
}
