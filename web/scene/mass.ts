// Large buildings in parts: a base on the whole footprint, and blocks set back on it that end at heights of their own.

import type { Plan, Rectangle, Wall } from "./building";
import type { Ring } from "./city";
import { Dice, hash } from "./hash";
import { mix, WARM_WHITE } from "./palette";
import { FLOOR } from "./storey";

const STEP = 3; // metres of the grid that blocks are found on, and least setback
const LEAST = 3; // steps of a block's side
const MOST_BLOCKS = 5;

/** Says whether a point lies inside rings (even-odd rule, so in a hole it does not). */
export function inside(rings: readonly Ring[], x: number, y: number): boolean {
  let odd = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      if (ring[i + 1] > y !== ring[j + 1] > y && x < ring[i] + ((y - ring[i + 1]) / (ring[j + 1] - ring[i + 1])) * (ring[j] - ring[i])) odd = !odd;
    }
  }
  return odd;
}

/** The parts of a building, its base first; a building that is not large is its own only part. */
export function partsOf(plan: Plan): Plan[] {
  if (plan.area < 620 || plan.pitched !== "no" || plan.cls === "house" || plan.cls === "shed") return [plan];
  const dice = new Dice(hash(plan.seed, 9, 9));
  const { floors } = plan;
  // A low building gets storeys on top of it; a high one keeps its height and loses some at its edges.
  const lower = floors < 4 ? floors : Math.min(floors, Math.max(2, plan.least, Math.round(floors * dice.between(0.4, 0.75))));
  const blocks = blocksOf(plan, dice).map((block, i): Plan => {
    const tall = lower === floors ? floors + 1 : i === 0 ? floors : Math.max(lower + 1, Math.round(floors * dice.between(0.6, 1)));
    const ring = ringOf(block);
    const wall = i === 0 || dice.chance(0.5) ? plan.wall : mix(plan.wall, WARM_WHITE, dice.between(0.15, 0.5));
    return {
      ...plan, rings: [ring], area: 4 * block.long * block.wide, floors: tall, height: tall * FLOOR + 0.9, from: lower * FLOOR, wall, rectangle: block,
      walls: wallsOf(ring), shop: false, seed: hash(plan.seed, i, 10), blocks: [], roof: dice.chance(0.5) ? plan.roof : mix(plan.roof, WARM_WHITE, dice.between(0.1, 0.35)),
    };
  });
  if (!blocks.length) return [plan];
  return [{ ...plan, floors: lower, height: lower * FLOOR + 0.9, blocks: blocks.map(({ rings }) => rings[0]), terrace: plan.cls !== "commercial" && plan.area < 3000 && dice.chance(0.3) }, ...blocks];
}

/** Rectangles inside a footprint, one step away from its edges and from each other, the largest first. */
function blocksOf({ rings, rectangle }: Plan, dice: Dice): Rectangle[] {
  const { x, y, ux, uy, long, wide } = rectangle;
  const [columns, rows] = [Math.floor((long * 2) / STEP), Math.floor((wide * 2) / STEP)];
  const at = (i: number, j: number): [number, number] => {
    const [s, t] = [(i - columns / 2) * STEP, (j - rows / 2) * STEP];
    return [x + ux * s - uy * t, y + uy * s + ux * t];
  };
  const corner = Array.from({ length: (columns + 1) * (rows + 1) }, (_, k) => inside(rings, ...at(k % (columns + 1), Math.floor(k / (columns + 1)))));
  const free = Array.from({ length: columns * rows }, (_, k) => {
    const c = (k % columns) + Math.floor(k / columns) * (columns + 1);
    return corner[c] && corner[c + 1] && corner[c + columns + 1] && corner[c + columns + 2];
  });
  const found: Rectangle[] = [];
  while (found.length < MOST_BLOCKS) {
    // A step more on every side is asked for, and then given back as the setback.
    const [most, deepest] = [Math.round(dice.between(7, 12)), Math.round(dice.between(6, 9))];
    const best = largest(free, columns, rows, most + 2, deepest + 2);
    if (!best || best.right - best.left < LEAST + 2 || best.low - best.high < LEAST + 2) break;
    for (let j = best.high; j < best.low; j++) for (let i = best.left; i < best.right; i++) free[j * columns + i] = false;
    const [cx, cy] = at((best.left + best.right) / 2, (best.high + best.low) / 2);
    const [a, b] = [((best.right - best.left - 2) * STEP) / 2, ((best.low - best.high - 2) * STEP) / 2];
    found.push(a >= b ? { x: cx, y: cy, ux, uy, long: a, wide: b } : { x: cx, y: cy, ux: -uy, uy: ux, long: b, wide: a });
  }
  return found;
}

/** The largest rectangle of free squares of limited sides. */
function largest(free: readonly boolean[], columns: number, rows: number, most: number, deepest: number): { left: number; right: number; high: number; low: number } | null {
  let best = null;
  let size = 0;
  const run = new Array<number>(columns).fill(0); // free squares upwards from the row
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) run[i] = free[j * columns + i] ? Math.min(deepest, run[i] + 1) : 0;
    for (let i = 0; i < columns; i++) {
      let depth = run[i];
      for (let k = i; k < Math.min(columns, i + most) && run[k]; k++) {
        depth = Math.min(depth, run[k]);
        if (depth * (k - i + 1) <= size) continue;
        size = depth * (k - i + 1);
        best = { left: i, right: k + 1, high: j - depth + 1, low: j + 1 };
      }
    }
  }
  return best;
}

/** The corners of a rectangle, counter-clockwise. */
function ringOf({ x, y, ux, uy, long, wide }: Rectangle): Ring {
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]].flatMap(([s, t]) => [x + ux * long * s - uy * wide * t, y + uy * long * s + ux * wide * t]);
}

function wallsOf(ring: Ring): Wall[] {
  const walls: Wall[] = [];
  for (let i = 0; i < ring.length; i += 2) {
    const j = (i + 2) % ring.length;
    const [ax, ay, bx, by] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
    if (bx - ax > 0.02) walls.push({ ax, ay, bx, by, length: Math.hypot(bx - ax, by - ay), side: "rear", onWideStreet: false });
  }
  return walls;
}
