/** What is drawn over the pictures: grid, jobs, plan, selection; the looks by size are studio.md's table. */

import type L from "leaflet";
import { blueprint, type Blueprint } from "./blueprint";
import { cased, drawTag, hatch, trace, withAlpha } from "./brush";
import { MapCanvas, type Frame } from "./canvas";
import { clockAhead } from "./clock";
import { outline, type Cell, type Point, type Rect } from "./geometry";
import { drawBlueprint } from "./ink";
import { usualName } from "./planning";
import { stalePatches } from "./staleness";
import { explained, layer, preview, selection, selected } from "./state";
import { colours, type Colours } from "./theme";
import { age } from "./words";
import { isHeld, isStuck, world, type MapJob } from "./world";

const ANTS_MS = 1_200;
const ANTS_PX = 16;
const SPIN_MS = 1_600;
const LARGE = 96;
const MIDDLE = 48;
const GRID_FROM = 32;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export interface Overlay {
  redraw: () => void;
  recolour: () => void;
}

export function addOverlay(map: L.Map): Overlay {
  let look = colours();
  let moving = false;
  const grid = new MapCanvas(map, "grid", 190, (frame) => drawGrid(frame, look));
  const states = new MapCanvas(map, "states", 400, (frame) => drawStates(frame, look));
  const motion = new MapCanvas(map, "motion", 410, (frame) => {
    moving = drawMotion(frame, look);
  });
  const hand = new MapCanvas(map, "hand", 420, (frame) => drawHand(frame, look));
  const tick = (): void => {
    if (moving) motion.redrawSoon();
    if (still.matches) setTimeout(tick, 1_000);
    else requestAnimationFrame(tick);
  };
  tick();
  const redraw = (): void => {
    grid.redrawSoon();
    states.redrawSoon();
    motion.redrawSoon();
    hand.redrawSoon();
  };
  return {
    redraw,
    recolour: () => {
      look = colours();
      redraw();
    },
  };
}

function visible(frame: Frame): Rect {
  const { scale, left, top, width, height } = frame;
  return [
    Math.floor(-left / scale),
    Math.floor(-top / scale),
    Math.floor((width - left) / scale),
    Math.floor((height - top) / scale),
  ];
}

function drawGrid(frame: Frame, look: Colours): void {
  const { context, scale, left, top } = frame;
  if (scale < GRID_FROM) return;
  const [x0, y0, x1, y1] = visible(frame);
  context.strokeStyle = look.grid;
  context.lineWidth = 1;
  context.beginPath();
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      if (world.stands(x, y)) continue;
      context.rect(Math.round(left + x * scale) + 0.5, Math.round(top + y * scale) + 0.5, scale, scale);
    }
  }
  context.stroke();
}

function inView(job: MapJob, view: Rect): boolean {
  const bounds = job.bounds;
  return bounds !== null && bounds[0] <= view[2] && bounds[2] >= view[0] && bounds[1] <= view[3] && bounds[3] >= view[1];
}

function middle(frame: Frame, rect: Rect): [number, number] {
  return [
    frame.left + ((rect[0] + rect[2] + 1) / 2) * frame.scale,
    frame.top + ((rect[1] + rect[3] + 1) / 2) * frame.scale,
  ];
}

function drawStates(frame: Frame, look: Colours): void {
  const view = visible(frame);
  const shown = [...world.jobs.values()].filter((job) => inView(job, view));
  if (layer.value !== "render") drawStale(frame, view, look);
  for (const job of shown) if (isWaiting(job)) drawWaiting(frame, job, look);
  for (const job of shown) {
    if (job.state !== "processing") continue;
    trace(frame, job.paths, 0);
    frame.context.fillStyle = look.veil;
    frame.context.fill();
  }
  for (const job of shown) if (isHeld(job)) drawHeld(frame, job, look);
  for (const job of shown) if (isStuck(job)) drawStuck(frame, job, look);
  for (const job of shown) if (job.state === "error") drawFailed(frame, job, look);
  if (frame.scale < MIDDLE) return;
  for (const job of shown) {
    if (job.state === "pending" && job.position > 0) {
      const [x, y] = tagPlace(frame, job);
      drawTag(frame, { text: String(job.position), x, y, centred: true }, look);
    }
  }
}

/** Finished, but a neighbour was replaced since: dots that leave the picture alone, at every size. */
function drawStale(frame: Frame, view: Rect, look: Colours): void {
  const { scale, left, top } = frame;
  for (const { cells, bounds, paths } of stalePatches()) {
    if (bounds[0] > view[2] || bounds[2] < view[0] || bounds[1] > view[3] || bounds[3] < view[1]) continue;
    trace(frame, paths, 0);
    if (scale < 12) {
      // Too small for lines: a tint is all that can be told from the ground.
      frame.context.fillStyle = withAlpha(look.stale, 0.75);
      frame.context.fill();
      continue;
    }
    if (scale < LARGE) hatch(frame, withAlpha(look.stale, 0.4), scale < MIDDLE ? 6 : 12, 1);
    trace(frame, paths, scale >= GRID_FROM ? 2 : 1);
    cased(frame, look.stale, scale >= MIDDLE ? 2 : 1.5, look.tag, [2, 4]);
    if (scale < LARGE) continue;
    const [x, y] = firstOf(cells);
    const text = cells.length > 1 ? `${cells.length.toLocaleString("en")} stale` : "Stale";
    drawTag(frame, { text, x: left + x * scale + 8, y: top + y * scale + 8, centred: false, ink: look.stale, mark: "clock" }, look);
  }
}

const isWaiting = (job: MapJob): boolean => job.state === "pending" || (job.state === "blocked" && !isStuck(job) && !isHeld(job));

/** The middle of a job's quadrants, or of its first one where the middle lies outside of them. */
function tagPlace(frame: Frame, job: MapJob): [number, number] {
  const rect = job.bounds!;
  const isFull = (rect[2] - rect[0] + 1) * (rect[3] - rect[1] + 1) === job.cells.length;
  const [x, y] = job.cells[0]!;
  return middle(frame, isFull ? rect : [x, y, x, y]);
}

function drawWaiting(frame: Frame, job: MapJob, look: Colours): void {
  const { context, scale } = frame;
  context.globalAlpha = job.state === "blocked" ? 0.65 : 1;
  trace(frame, job.paths, 0);
  context.fillStyle = look.veil;
  context.fill();
  if (scale >= 12) hatch(frame, withAlpha(look.pending, 0.5), 8, 1.5);
  trace(frame, job.paths, scale >= GRID_FROM ? 1.5 : 0.5);
  if (scale >= GRID_FROM) cased(frame, look.pending, 1, withAlpha(look.tag, 0.5));
  else {
    context.strokeStyle = look.pending;
    context.lineWidth = 1;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** A step behind one that failed: neither waiting for its turn nor barred itself, so crossed where those are striped. */
function drawHeld(frame: Frame, job: MapJob, look: Colours): void {
  const { context, scale, left, top } = frame;
  trace(frame, job.paths, 0);
  context.fillStyle = look.veil;
  context.fill();
  if (scale >= 12) {
    hatch(frame, withAlpha(look.stale, 0.3), 10, 1.25);
    hatch(frame, withAlpha(look.stale, 0.3), 10, 1.25, true);
  }
  trace(frame, job.paths, scale >= GRID_FROM ? 1.5 : 0.5);
  cased(frame, look.stale, 1, withAlpha(look.tag, 0.5), scale >= GRID_FROM ? [4, 4] : [2, 2]);
  if (scale < MIDDLE) return;
  // An arrow that comes to a wall.
  const [x, y] = firstOf(job.cells);
  const size = scale >= LARGE ? 12 : 9;
  const [px, py] = [left + x * scale + 10 + size, top + y * scale + 10 + size];
  context.fillStyle = look.tag;
  context.beginPath();
  context.roundRect(px - size, py - size, 2 * size, 2 * size, 4);
  context.fill();
  const unit = size / 12;
  context.strokeStyle = look.stale;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(px - 7 * unit, py);
  context.lineTo(px + 2 * unit, py);
  context.moveTo(px - 2 * unit, py - 4 * unit);
  context.lineTo(px + 2 * unit, py);
  context.lineTo(px - 2 * unit, py + 4 * unit);
  context.moveTo(px + 6 * unit, py - 7 * unit);
  context.lineTo(px + 6 * unit, py + 7 * unit);
  context.stroke();
}

/** A step that would leave a seam by now: neither waiting nor failed, but barred until somebody plans it anew. */
function drawStuck(frame: Frame, job: MapJob, look: Colours): void {
  const { context, scale, left, top } = frame;
  trace(frame, job.paths, 0);
  context.fillStyle = look.veil;
  context.fill();
  if (scale >= 12) hatch(frame, withAlpha(look.stale, 0.5), 10, 1.5, true);
  trace(frame, job.paths, scale >= GRID_FROM ? 1.5 : 0.5);
  cased(frame, look.stale, scale >= MIDDLE ? 2 : 1, look.tag, scale >= GRID_FROM ? [12, 4, 2, 4] : []);
  if (scale < MIDDLE) return;
  const [x, y] = firstOf(job.cells);
  const radius = scale >= LARGE ? 8 : 6;
  const [px, py] = [left + x * scale + 10 + radius, top + y * scale + 10 + radius];
  context.fillStyle = look.tag;
  context.beginPath();
  context.arc(px, py, radius + 4, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = look.stale;
  context.lineWidth = 2;
  context.beginPath();
  context.arc(px, py, radius, 0, 2 * Math.PI);
  context.moveTo(px - radius * 0.7, py + radius * 0.7);
  context.lineTo(px + radius * 0.7, py - radius * 0.7);
  context.stroke();
}

/** The highest of a job's quadrants, and of these the leftmost. */
const firstOf = (cells: Cell[]): Cell => cells.reduce((a, b) => (b[1] < a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a));

function drawFailed(frame: Frame, job: MapJob, look: Colours): void {
  const { context, scale, left, top } = frame;
  trace(frame, job.paths, scale >= MIDDLE ? 2 : 1);
  cased(frame, look.failed, scale >= MIDDLE ? 2 : 1, look.tag);
  const [x, y] = firstOf(job.cells);
  const corner = scale >= LARGE ? 36 : scale >= MIDDLE ? 26 : scale / 2;
  const [px, py] = [left + x * scale + 1, top + y * scale + 1];
  context.fillStyle = look.failed;
  context.beginPath();
  context.moveTo(px, py);
  context.lineTo(px + corner, py);
  context.lineTo(px, py + corner);
  context.closePath();
  context.fill();
  if (corner < 20) return;
  context.fillStyle = look.tag;
  context.font = `700 ${Math.round(corner * 0.42)}px Arial, system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("!", px + corner * 0.3, py + corner * 0.33);
}

/** The jobs being made; says whether there is anything to keep moving. */
function drawMotion(frame: Frame, look: Colours): boolean {
  const view = visible(frame);
  const shown = [...world.jobs.values()].filter((job) => job.state === "processing" && inView(job, view));
  const time = still.matches ? 0 : performance.now();
  const { scale } = frame;
  for (const job of shown) {
    const small = scale < MIDDLE;
    trace(frame, job.paths, small ? 1 : 2.25);
    const dash = small ? [5, 3] : [10, 6];
    const shift = -((time % ANTS_MS) / ANTS_MS) * (small ? 8 : ANTS_PX);
    cased(frame, look.processing, small ? 1.5 : 2.5, look.tag, dash, shift);
  }
  if (scale >= MIDDLE) {
    for (const job of shown) {
      const text = age(Date.now() / 1_000 + clockAhead() - job.started_at);
      const large = scale >= LARGE;
      const [x, y] = large ? corner(frame, job.cells) : tagPlace(frame, job);
      const spin = large ? { spin: ((time % SPIN_MS) / SPIN_MS) * 2 * Math.PI } : {};
      drawTag(frame, { text, x, y, centred: !large, ...spin }, look);
    }
  }
  return shown.length > 0;
}

function corner(frame: Frame, cells: Cell[]): [number, number] {
  const [x, y] = firstOf(cells);
  return [frame.left + x * frame.scale + 8, frame.top + y * frame.scale + 8];
}

let drawnSelection: ReadonlySet<string> | null = null;
let selectionPaths: Point[][] = [];

/** What the person has in hand: the plan being looked at and the selection. */
function drawHand(frame: Frame, look: Colours): void {
  const plan = blueprint.value;
  if (plan) {
    drawBlueprint(frame, plan, visible(frame), look);
    drawExplained(frame, look);
    drawTitle(frame, plan, look);
  }
  const cells = selected.value;
  if (cells.length === 0 || preview.value) return;
  if (drawnSelection !== selection.value) {
    drawnSelection = selection.value;
    selectionPaths = outline(cells);
  }
  if (cells.length > 1) {
    trace(frame, selectionPaths, 0);
    frame.context.fillStyle = withAlpha(look.accent, 0.12);
    frame.context.fill();
  }
  trace(frame, selectionPaths, frame.scale >= MIDDLE ? 1.25 : 0.5);
  cased(frame, look.accent, 2.5, look.tag);
}

/** The quadrant whose reason is being read. */
function drawExplained(frame: Frame, look: Colours): void {
  const cell = explained.value;
  if (!cell) return;
  trace(frame, outline([cell]), 1.25);
  cased(frame, look.accent, 2.5, look.tag);
}

function drawTitle(frame: Frame, plan: Blueprint, look: Colours): void {
  const [shown, rect] = [preview.value, plan.bounds];
  if (!shown || !rect) return;
  const top = frame.top + rect[1] * frame.scale - 28;
  drawTag(frame, { text: usualName(shown), x: frame.left + rect[0] * frame.scale - 3, y: top, centred: false }, look);
}
