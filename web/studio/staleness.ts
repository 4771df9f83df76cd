/** Finished quadrants whose neighbours have been replaced since: which these are, and why. */

import type { QuadrantView, Seen, Version } from "./api";
import { bounding, cellOf, outline, type Cell, type Point, type Rect } from "./geometry";
import { worldTick } from "./state";
import { named } from "./words";
import { world } from "./world";

export interface Patch {
  cells: Cell[];
  bounds: Rect;
  paths: Point[][];
}

let drawn = -1;
let patches: Patch[] = [];

/** The stale quadrants that lie against each other, together. */
export function stalePatches(): Patch[] {
  if (drawn === worldTick.value) return patches;
  drawn = worldTick.value;
  patches = [];
  const left = new Set(world.stale);
  for (const first of world.stale) {
    if (!left.delete(first)) continue;
    const cells: Cell[] = [];
    const frontier = [cellOf(first)];
    for (let cell = frontier.pop(); cell; cell = frontier.pop()) {
      cells.push(cell);
      const [x, y] = cell;
      for (const next of [[x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]] as const) {
        if (left.delete(next.join())) frontier.push(next);
      }
    }
    patches.push({ cells, bounds: bounding(cells)!, paths: outline(cells) });
  }
  return patches;
}

/** What the version was fitted to or drawn from and that does not stand any more. */
export function replacedOf(version: Version): Seen[] {
  // What this page does not hold may stand there or not.
  return version.saw.filter(({ layer, x, y, version: seen }) => world.covers([x, y, x, y]) && world.standing(layer).get(`${x},${y}`) !== seen);
}

/** Why a quadrant is stale, as a sentence. */
export function whyStale(view: QuadrantView): string {
  const current = view.versions.find((one) => one.current && one.layer === world.drawn);
  const gone = current ? replacedOf(current) : [];
  const sources = [...new Set(gone.filter((one) => one.layer !== world.drawn).map((one) => one.layer))];
  if (sources.length > 0) return `It was drawn from ${sources.join(" and ")}, which has been replaced since; it shows what stood there before.`;
  if (gone.length === 0) return "A neighbour that was drawn in the same call has been replaced since; the side between them may show a seam.";
  const cells = gone.map(({ x, y }): Cell => [x, y]);
  const many = gone.length > 1;
  return `${named(cells)} ${many ? "have" : "has"} been replaced since this one was fitted to ${many ? "them" : "it"}; ${many ? "these sides" : "that side"} may show a seam.`;
}
