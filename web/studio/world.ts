/** The part of the map that this page holds: what stands there and which jobs are under way, kept true by events. */

import type { Job, JobState, Layer, MapView, TileRef, WorldEvent } from "./api";
import { extent } from "./state";
import { bounding, contains, keyOf, meets, outline, type Cell, type Point, type Rect } from "./geometry";
import { Sheet } from "./sheet";

export interface MapJob {
  job: number;
  kind: Job["kind"];
  plan: string;
  state: JobState;
  model_id: string;
  /** What it draws; "" for what is part of no layer of models. */
  layer: Layer | "";
  quadrants: Cell[];
  reason: string;
  attempt: number;
  started_at: number;
  position: number;
  /** Whether it waits behind one that failed, was called off or is no longer legal. */
  held: boolean;
  /** The quadrants where no weightier job of the layer shown lies over this one, their bounds and outline. */
  cells: Cell[];
  bounds: Rect | null;
  paths: Point[][];
}

const RANK: Record<JobState, number> = {
  processing: 5,
  error: 4,
  pending: 3,
  blocked: 2,
  complete: 0,
  cancelled: 0,
};
const KEPT_EVENTS = 5_000;

/** Whether a step is blocked for good, until somebody does something about it: it says why. */
export const isStuck = (job: { state: JobState; reason: string }): boolean => job.state === "blocked" && job.reason !== "";

/** Whether a step is neither waiting for its turn nor barred itself, but held behind another one. */
export const isHeld = (job: { state: JobState; reason: string; held: boolean }): boolean => job.state === "blocked" && job.held && !isStuck(job);

/** What renders carry beside their colours is not looked at by itself. */
const isShown = (layer: string): boolean => layer !== "object" && layer !== "depth";

export class World {
  area: Rect | null = null;
  /** The newest event that is in what this page holds. */
  last = 0;
  readonly jobs = new Map<number, MapJob>();
  /** Whether there are jobs, or places in the queue, that events did not carry. */
  unplaced = false;

  private shown: Layer = "generation";
  private readonly front = new Map<string, MapJob>();
  private readonly touching = new Map<string, Set<MapJob>>();
  private readonly sheets = new Map<Layer, Sheet>();
  private recent: WorldEvent[] = [];
  /** How many jobs here are blocked. */
  private blocked = 0;

  /** The layer of models that is shown, or was before the renders: what is finished, stale or under way is so in it. */
  get drawn(): Layer {
    return this.shown;
  }

  set drawn(layer: Layer) {
    this.shown = layer;
    for (const job of this.jobs.values()) this.rank(job.quadrants, job);
  }

  /** Take over a fresh answer for an area; what came by event meanwhile is applied on top of it. */
  load(area: Rect, view: MapView): void {
    this.area = area;
    this.last = view.last;
    this.unplaced = false;
    this.sheets.clear();
    for (const tile of view.tiles) this.put(tile);
    this.jobs.clear();
    this.blocked = 0;
    this.front.clear();
    this.touching.clear();
    for (const job of view.jobs) this.enter(job.job, { ...job, cells: [], bounds: null, paths: [] });
    const later = this.recent.filter((event) => event.seq > view.last);
    this.recent = [];
    this.apply(later);
  }

  /** Bring the area up to date; gives the tiles that changed in it. Events already contained do nothing. */
  apply(events: WorldEvent[]): TileRef[] {
    const changed: TileRef[] = [];
    for (const event of events) {
      this.recent.push(event);
      if (event.seq <= this.last) continue;
      this.last = event.seq;
      if (!("tiles" in event.change)) continue;
      for (const tile of event.change.tiles) {
        if (this.put(tile)) changed.push(tile);
      }
      if (event.change.kind === "job") this.follow(event);
      else if (event.change.kind === "plan" && event.change.state === "accepted") this.unplaced = true;
    }
    if (this.recent.length > KEPT_EVENTS) this.recent = this.recent.slice(-KEPT_EVENTS / 2);
    return changed;
  }

  /** The version that stands in each quadrant of a layer. */
  standing(layer: Layer): ReadonlyMap<string, number> {
    return this.sheet(layer).tiles;
  }

  /** The finished quadrants of the layer shown that do not match any more what they were made for. */
  get stale(): ReadonlySet<string> {
    return this.sheet(this.drawn).stale;
  }

  jobAt(x: number, y: number): MapJob | undefined {
    return this.front.get(keyOf(x, y));
  }

  /** The newest version in a tile of the pyramid, or 0 if it is empty. */
  version(layer: Layer, z: number, x: number, y: number): number {
    return this.sheet(layer).version(z, x, y);
  }

  /** What a tile's address carries to name exactly what stands now; "" if nothing does. */
  edition(layer: Layer, z: number, x: number, y: number): string {
    const sheet = this.sheet(layer), version = sheet.version(z, x, y);
    if (version === 0) return "";
    // What is taken off the map or put back changes an overview without a new version: the other two tell.
    return z > 0 ? `v=${version}&n=${sheet.count(z, x, y)}&b=${sheet.blend(z, x, y)}` : `v=${version}`;
  }

  /** Whether every quadrant of a tile of the pyramid is finished in the layer shown. */
  isGenerated(z: number, x: number, y: number): boolean {
    return this.sheet(this.drawn).count(z, x, y) === 4 ** Math.max(0, z);
  }

  stands(x: number, y: number): boolean {
    const key = keyOf(x, y);
    return this.standing("render").has(key) || this.standing(this.drawn).has(key);
  }

  /** The state of a quadrant in one word, for people who hear the map and for tests. */
  stateOf(x: number, y: number): string {
    const job = this.jobAt(x, y);
    if (job) return job.state === "error" ? "failed" : isStuck(job) ? "stuck" : isHeld(job) ? "held" : job.state;
    const key = keyOf(x, y);
    if (this.standing(this.drawn).has(key)) return "generated";
    return this.standing("render").has(key) ? "rendered" : "empty";
  }

  private put(tile: TileRef): boolean {
    return isShown(tile.layer) && this.sheet(tile.layer).put(tile);
  }

  private sheet(layer: Layer): Sheet {
    let sheet = this.sheets.get(layer);
    if (!sheet) this.sheets.set(layer, (sheet = new Sheet()));
    return sheet;
  }

  private follow(event: WorldEvent): void {
    const change = event.change;
    if (change.kind !== "job") return;
    const known = this.jobs.get(change.job);
    if (known?.state === "pending" && change.state !== "pending") this.closeUp(known.position);
    if (known) this.leave(known);
    // What waits behind it is held from now on, or no more: events do not tell that of each.
    if (change.state === "error" || change.state === "cancelled" || known?.state === "error") this.unplaced ||= this.blocked > 0;
    if (RANK[change.state] === 0) return;
    if (change.quadrants.length === 0) return;
    const bounds = bounding(change.quadrants)!;
    if (this.area && !meets(this.area, bounds)) return;
    const position = change.state === "pending" && known?.state === "pending" ? known.position : 0;
    // One that waits on and is told of all the same was moved or changed: the others stand elsewhere, too.
    if (change.state === "pending") this.unplaced = true;
    this.enter(change.job, {
      job: change.job,
      kind: change.job_kind,
      plan: change.plan,
      state: change.state,
      model_id: change.model_id,
      layer: change.layer,
      quadrants: change.quadrants,
      reason: change.reason,
      attempt: change.attempt,
      started_at: change.state === "processing" ? event.at : 0,
      position,
      held: change.state === "blocked" && (known?.held ?? false),
      cells: [],
      bounds: null,
      paths: [],
    });
  }

  /** One job has left the line: everyone behind it moves up. */
  private closeUp(position: number): void {
    if (position === 0) return;
    for (const job of this.jobs.values()) if (job.position > position) job.position -= 1;
  }

  private enter(id: number, job: MapJob): void {
    this.jobs.set(id, job);
    if (job.state === "blocked") this.blocked += 1;
    for (const [x, y] of job.quadrants) {
      const key = keyOf(x, y);
      const there = this.touching.get(key);
      if (there) there.add(job);
      else this.touching.set(key, new Set([job]));
    }
    this.rank(job.quadrants, job);
  }

  private leave(job: MapJob): void {
    this.jobs.delete(job.job);
    if (job.state === "blocked") this.blocked -= 1;
    for (const [x, y] of job.quadrants) this.touching.get(keyOf(x, y))?.delete(job);
    this.rank(job.quadrants, job);
  }

  /** Whether a job is of the layer shown, or of what lies under all layers. */
  private concerns(job: MapJob): boolean {
    return job.layer === "" || job.layer === this.shown;
  }

  private rank(cells: Cell[], changed: MapJob): void {
    const reshaped = new Set<MapJob>([changed]);
    for (const [x, y] of cells) {
      const key = keyOf(x, y);
      let first: MapJob | undefined;
      for (const job of this.touching.get(key) ?? []) {
        if (this.concerns(job) && (!first || RANK[job.state] > RANK[first.state])) first = job;
      }
      const before = this.front.get(key);
      if (before === first) continue;
      if (before) reshaped.add(before);
      if (first) {
        reshaped.add(first);
        this.front.set(key, first);
      } else this.front.delete(key);
    }
    for (const job of reshaped) {
      job.cells = job.quadrants.filter(([x, y]) => this.front.get(keyOf(x, y)) === job);
      job.bounds = bounding(job.cells);
      job.paths = outline(job.cells);
    }
  }

  /** Whether this page holds all that stands anywhere. */
  get coversAll(): boolean {
    return extent.value !== null && this.covers(extent.value);
  }

  covers(view: Rect): boolean {
    return this.area !== null && contains(this.area, view);
  }
}

export const world = new World();
