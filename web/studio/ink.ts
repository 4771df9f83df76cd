/** How a plan looks on the map: waves in shades, what is left out hatched, scaffold and repairs outlined. */

import type { Blueprint } from "./blueprint";
import { cased, channels, drawTag, hatch, trace, withAlpha } from "./brush";
import type { Frame } from "./canvas";
import { height, holds, width, type Rect } from "./geometry";
import type { Colours } from "./theme";

/** Smaller steps than this get no number of their own, still smaller ones no edge. */
const NUMBER_FROM = 24;
const EDGE_FROM = 8;
const HATCH_FROM = 5;
const WORD_FROM = 64;

/**
 * The shade of a wave: from the accent for the first to the colour of tags for the last, nearly opaque, so that
 * any number of waves can be told apart on bright art, on dark art and on nothing alike.
 */
export function shade(wave: number, waves: number, look: Pick<Colours, "accent" | "tag">): string {
  const along = waves > 1 ? (wave - 1) / (waves - 1) : 0;
  const [from, to] = [channels(look.accent), channels(look.tag)];
  const mixed = from.map((value, i) => Math.round(value + (to[i]! - value) * 0.86 * along));
  return `rgba(${mixed.join(", ")}, ${(0.72 - 0.1 * along).toFixed(3)})`;
}

export function drawBlueprint(frame: Frame, plan: Blueprint, view: Rect, look: Colours): void {
  drawSteps(frame, plan, view, look);
  drawScaffold(frame, plan, look);
  drawGaps(frame, plan, look);
  drawRedone(frame, plan, view, look);
  trace(frame, plan.region, -2);
  cased(frame, look.accent, 1.5, look.tag, [6, 4]);
  if (frame.scale < NUMBER_FROM) return;
  for (const { step, bounds, tag } of plan.steps) {
    if (!isSeen(bounds, view)) continue;
    const [x, y] = [frame.left + tag[0] * frame.scale, frame.top + tag[1] * frame.scale];
    drawTag(frame, { text: String(step.wave), x, y, centred: true }, look);
  }
}

function isSeen(rect: Rect, view: Rect): boolean {
  return rect[0] <= view[2] && rect[2] >= view[0] && rect[1] <= view[3] && rect[3] >= view[1];
}

function drawSteps(frame: Frame, plan: Blueprint, view: Rect, look: Colours): void {
  const { context, scale } = frame;
  const waves = new Map<number, Blueprint["steps"]>();
  for (const one of plan.steps) {
    if (!isSeen(one.bounds, view)) continue;
    const wave = waves.get(one.step.wave);
    if (wave) wave.push(one);
    else waves.set(one.step.wave, [one]);
  }
  for (const [wave, steps] of waves) {
    context.fillStyle = shade(wave, plan.waves, look);
    // Rectangles one by one: a browser fills thousands of them sooner than one path of all.
    context.strokeStyle = look.accent;
    fillAll(frame, steps, scale >= EDGE_FROM ? Math.min(2, scale / 24) : 0);
  }
}

function fillAll(frame: Frame, steps: Blueprint["steps"], inset: number): void {
  const { context, scale, left, top } = frame;
  const hasEdge = scale >= EDGE_FROM;
  context.lineWidth = scale >= NUMBER_FROM ? 1.5 : 0.75;
  for (const { bounds, isFull, paths } of steps) {
    if (isFull) {
      const [x, y] = [left + bounds[0] * scale + inset, top + bounds[1] * scale + inset];
      const [across, down] = [width(bounds) * scale - 2 * inset, height(bounds) * scale - 2 * inset];
      context.fillRect(x, y, across, down);
      if (hasEdge) context.strokeRect(x, y, across, down);
    } else {
      trace(frame, paths, inset);
      context.fill();
      if (hasEdge) context.stroke();
    }
  }
}

function drawScaffold(frame: Frame, plan: Blueprint, look: Colours): void {
  if (plan.scaffold.length === 0) return;
  trace(frame, plan.scaffold, frame.scale >= NUMBER_FROM ? 3 : 0.5);
  cased(frame, look.accent, 1, withAlpha(look.tag, 0.7), frame.scale >= NUMBER_FROM ? [2, 4] : [2, 2]);
}

function drawGaps(frame: Frame, plan: Blueprint, look: Colours): void {
  const { context, scale } = frame;
  for (const gap of plan.gaps) {
    trace(frame, gap.paths, 0);
    context.fillStyle = look.veil;
    context.fill();
    if (scale >= HATCH_FROM) hatch(frame, withAlpha(look.text, 0.85), 6, 1, true);
    trace(frame, gap.paths, scale >= EDGE_FROM ? 0.75 : 0);
    if (scale >= EDGE_FROM) cased(frame, look.text, 1, look.tag);
    if (scale < WORD_FROM) continue;
    const [x, y] = gap.cells[0]!;
    drawTag(frame, { text: "Left out", x: frame.left + (x + 0.5) * scale, y: frame.top + (y + 0.5) * scale, centred: true }, look);
  }
}

/** Finished quadrants whose picture will be replaced. */
function drawRedone(frame: Frame, plan: Blueprint, view: Rect, look: Colours): void {
  if (plan.redo.length === 0) return;
  trace(frame, plan.redo, frame.scale >= NUMBER_FROM ? 2 : 0.5);
  cased(frame, look.stale, frame.scale >= NUMBER_FROM ? 2 : 1, look.tag, frame.scale >= NUMBER_FROM ? [8, 3] : []);
  if (frame.scale < WORD_FROM) return;
  for (const [x, y] of plan.redone) {
    if (!holds(view, x, y)) continue;
    drawTag(frame, { text: "Redo", x: frame.left + x * frame.scale + 6, y: frame.top + y * frame.scale + 6, centred: false, ink: look.stale }, look);
  }
}
