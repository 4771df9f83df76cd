/** Asking the server for what stands: at the start, after events, after a gap, and when the view leaves what is held. */

import { batch } from "@preact/signals";
import { getMap, getPlans, getStatus, Refused, type MapView, type TileRef, type WorldEvent } from "./api";
import { Stream } from "./events";
import { contains, grown, height, union, width, type Rect } from "./geometry";
import { extent, limitEnds, link, loaded, now, paused, plans, status, statusAt, worldTick } from "./state";
import { endsOf } from "./waits";
import { world } from "./world";

/** Figures follow events at most this often, and are asked for anew when nothing happened for a while. */
const FIGURES_EVERY_MS = 500;
const FIGURES_AT_REST_MS = 5_000;
const PLACES_EVERY_MS = 1_000;
/** No more quadrants on a side than this are asked for at once. */
const WIDEST = 1_500;
const WHOLE = 160;
/** An area of more quadrants than this may take the keeper too long, although it is well. */
const LARGE = 10_000;

type Repaint = (changed: TileRef[] | null) => void;

let repaint: Repaint = () => {};
let stream: Stream | null = null;
let view: Rect = [-4, -4, 4, 4];
let loading = false;
let again = false;
const listeners = new Set<(events: WorldEvent[]) => void>();

/** Call `heard` with each batch of events, after the map took them. */
export function onEvents(heard: (events: WorldEvent[]) => void): () => void {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

/** Load the world, then follow it. `paint` is told which tiles changed, or null for all of them. */
export async function start(first: Rect, paint: Repaint): Promise<void> {
  repaint = paint;
  view = first;
  // A map of very many jobs takes a while; what stands in the panel need not wait for it.
  void figures();
  await reload();
}

/** Say what is in view; asks for more of the map when the view leaves what is held. */
export function look(rect: Rect): void {
  view = rect;
  if (loaded.value && !world.covers(rect)) void reload();
}

/** Ask for the map around the view anew. Calls that come while one is under way are answered by one more. */
export async function reload(): Promise<void> {
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  const asked = performance.now();
  try {
    const area = around(view);
    const answer = await gather(area);
    world.load(area, answer);
    batch(() => {
      extent.value = answer.extent;
      paused.value = answer.paused;
      loaded.value = true;
      worldTick.value += 1;
    });
    // First the ear, then the pictures, which keep the connections busy for a while.
    stream ??= new Stream(answer.last, take, resumed);
    repaint(null);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    unreachable(error);
    setTimeout(() => void reload(), 2_000);
  } finally {
    loading = false;
  }
  if (again) {
    again = false;
    setTimeout(() => void reload(), Math.max(200, performance.now() - asked));
  } else {
    reloadedAt = performance.now();
    took = reloadedAt - asked;
    if (world.unplaced) places();
  }
}

/** The answer for an area; where that is more than the server gives at once, put together from quarters. */
async function gather(area: Rect): Promise<MapView> {
  try {
    return await getMap(area);
  } catch (error) {
    const tooMuch = error instanceof Refused && (error.code === "TOO_LARGE" || (error.code === "UNAVAILABLE" && width(area) * height(area) > LARGE));
    if (!tooMuch || width(area) < 4 || height(area) < 4) throw error;
  }
  const [x0, y0, x1, y1] = area;
  const [x, y] = [(x0 + x1) >> 1, (y0 + y1) >> 1];
  const quarters: Rect[] = [
    [x0, y0, x, y],
    [x + 1, y0, x1, y],
    [x0, y + 1, x, y1],
    [x + 1, y + 1, x1, y1],
  ];
  const parts: MapView[] = [];
  for (const quarter of quarters) parts.push(await gather(quarter));
  const jobs = new Map(parts.flatMap((part) => part.jobs).map((job) => [job.job, job]));
  // Events after the oldest part are applied once more to the newer ones, which changes nothing there.
  const last = Math.min(...parts.map((part) => part.last));
  return { ...parts[3]!, last, tiles: parts.flatMap((part) => part.tiles), jobs: [...jobs.values()] };
}

function around(rect: Rect): Rect {
  const margin = Math.max(2, Math.ceil(Math.max(width(rect), height(rect)) / 2));
  let wide = grown(rect, margin);
  // A small world is held whole, so that the small map of it is always true.
  const whole = union(wide, extent.value);
  if (whole && width(whole) <= WHOLE && height(whole) <= WHOLE) wide = whole;
  const most = WIDEST / 2;
  const x = (wide[0] + wide[2]) / 2;
  const y = (wide[1] + wide[3]) / 2;
  const clamp = (n: number): number => Math.max(-1_000_000, Math.min(1_000_000, Math.round(n)));
  return [
    clamp(Math.max(wide[0], x - most)),
    clamp(Math.max(wide[1], y - most)),
    clamp(Math.min(wide[2], x + most)),
    clamp(Math.min(wide[3], y + most)),
  ];
}

function take(events: WorldEvent[]): void {
  const changed = world.apply(events);
  batch(() => {
    for (const { change } of events) {
      if (change.kind === "queue" && !change.model_id && !change.plan) paused.value = change.paused;
      const cells = change.kind === "job" ? change.quadrants : [];
      for (const [x, y] of cells) {
        if (!extent.value || !contains(extent.value, [x, y, x, y])) extent.value = union(extent.value, [x, y, x, y]);
      }
    }
    worldTick.value += 1;
  });
  if (changed.length) repaint(changed);
  for (const heard of listeners) heard(events);
  figuresSoon();
  if (world.unplaced) places();
}

// Events name plans that came and jobs that wait, but neither the plan's jobs nor a job's place in the
// queue: those come with the next answer for the map, asked for at once and then in measure.
let placing = 0;
let reloadedAt = 0;
let took = 0;
function places(): void {
  if (placing) return;
  const pause = reloadedAt + Math.max(PLACES_EVERY_MS, 20 * took) - performance.now();
  placing = window.setTimeout(
    () => {
      placing = 0;
      if (world.unplaced) void reload();
    },
    Math.max(50, pause),
  );
}

function resumed(): void {
  void reload();
  figuresSoon();
}

let figuresTimer = 0;
let figuresDue = 0;

/** Ask for the queue's figures soon; many calls make one request. */
export function figuresSoon(within = FIGURES_EVERY_MS): void {
  const due = performance.now() + within;
  if (figuresTimer && figuresDue <= due) return;
  clearTimeout(figuresTimer);
  figuresDue = due;
  figuresTimer = window.setTimeout(() => void figures(), within);
}

async function figures(): Promise<void> {
  figuresTimer = 0;
  // A hidden page asks no more often than at rest, so that ten open tabs do not weigh on the server.
  const rest = FIGURES_AT_REST_MS;
  try {
    const spot: Rect = [0, 0, 0, 0];
    const [newStatus, newPlans, map] = await Promise.all([getStatus(), getPlans(), getMap(spot)]);
    const heard = Date.now() / 1_000;
    // Whoever answers this listens again.
    if (link.value.state === "lost") stream?.hurry();
    batch(() => {
      // From then on the page's own seconds tick, evenly.
      if (!status.value) now.value = heard;
      status.value = newStatus;
      statusAt.value = heard;
      limitEnds.value = endsOf(newStatus, limitEnds.value, heard);
      plans.value = newPlans.plans;
      paused.value = map.paused;
      extent.value = map.extent;
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    unreachable(error);
  }
  // What waits for a limit goes on when that is over, also where no event tells.
  const ends = [...limitEnds.value.values()].map((end) => end * 1_000 - Date.now() + 200).filter((left) => left > 0);
  figuresSoon(Math.min(rest, ...ends));
}

function unreachable(error: Refused): void {
  if (stream === null || error.code === "UNAVAILABLE") {
    const state = error.code === "UNREACHABLE" ? "lost" : "down";
    if (link.value.state === "open" || link.value.state === "connecting") {
      link.value = { state, since: Date.now(), nextTry: Date.now() + 2_000 };
    }
  }
}
