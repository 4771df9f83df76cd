/** The plan in the preview by quadrant and by shape, ready to be drawn and to be told in words. */

import { computed } from "@preact/signals";
import type { PlannedStep } from "./api";
import { bounding, keyOf, outline, union, type Cell, type Point, type Rect } from "./geometry";
import { planned, preview } from "./state";

export interface Drawn {
  step: PlannedStep;
  /** Its outline, where that is more than its bounds. */
  paths: Point[][];
  bounds: Rect;
  /** Whether its quadrants are all of its bounds, as nearly always. */
  isFull: boolean;
  /** Where its tag stands: the middle of its quadrants, or of the first where that lies outside of them. */
  tag: Point;
}

/** Quadrants left out for one reason that lie against each other. */
export interface Gap {
  cells: Cell[];
  reason: string;
  paths: Point[][];
}

export interface Blueprint {
  /** What was asked for, if it was quadrants. */
  region: Point[][];
  bounds: Rect | null;
  waves: number;
  steps: Drawn[];
  gaps: Gap[];
  /** Drawn beside the region and dropped. */
  scaffold: Point[][];
  /** Finished quadrants that are drawn anew, one by one. */
  redone: Cell[];
  redo: Point[][];
}

export const blueprint = computed<Blueprint | null>(() => {
  const aim = preview.value?.aim;
  if (!aim) return null;
  const plan = planned.value;
  const steps = (plan?.steps ?? []).filter((step) => step.quadrants.length > 0).map(drawn);
  const helpers = (plan?.steps ?? []).flatMap((step) => [...step.scaffold, ...step.padding]);
  const gaps = gapsOf((plan?.left_out ?? []).map(({ quadrant, reason }) => [quadrant, reason]));
  const region = aim.kind === "fill" ? aim.cells : [];
  const bounds = union(bounding(region), union(bounding(steps.flatMap(({ step }) => step.quadrants)), bounding(gaps.flatMap((gap) => gap.cells))));
  const redone = plan?.repaired ?? [];
  return {
    region: outline(region),
    bounds,
    waves: plan?.waves ?? 0,
    steps,
    gaps,
    scaffold: outline(helpers),
    redone,
    redo: outline(redone),
  };
});

/** What the plan does to one quadrant. */
export interface Fate {
  wave?: number;
  reason?: string;
  isScaffold?: boolean;
  isRedone?: boolean;
}

const fates = computed<ReadonlyMap<string, Fate>>(() => {
  const found = new Map<string, Fate>();
  const plan = planned.value;
  if (!plan) return found;
  const put = (cell: Cell, fate: Fate): void => {
    const key = keyOf(...cell);
    found.set(key, { ...found.get(key), ...fate });
  };
  for (const step of plan.steps) {
    for (const cell of step.quadrants) put(cell, { wave: step.wave });
    for (const cell of [...step.scaffold, ...step.padding]) put(cell, { isScaffold: true });
  }
  for (const one of plan.left_out) put(one.quadrant, { reason: one.reason });
  for (const cell of plan.repaired) put(cell, { isRedone: true });
  return found;
});

export const fateOf = (x: number, y: number): Fate | undefined => fates.value.get(keyOf(x, y));

function drawn(step: PlannedStep): Drawn {
  const bounds = bounding(step.quadrants)!;
  const [x0, y0, x1, y1] = bounds;
  const isFull = (x1 - x0 + 1) * (y1 - y0 + 1) === step.quadrants.length;
  const [x, y] = step.quadrants[0]!;
  const tag: Point = isFull ? [(x0 + x1 + 1) / 2, (y0 + y1 + 1) / 2] : [x + 0.5, y + 0.5];
  return { step, paths: isFull ? [] : outline(step.quadrants), bounds, isFull, tag };
}

function gapsOf(left: [Cell, string][]): Gap[] {
  const reasons = new Map(left.map(([cell, reason]) => [keyOf(...cell), reason]));
  const gaps: Gap[] = [];
  for (const [first, reason] of left) {
    if (!reasons.delete(keyOf(...first))) continue;
    const cells: Cell[] = [];
    const frontier: Cell[] = [first];
    for (let cell = frontier.pop(); cell; cell = frontier.pop()) {
      cells.push(cell);
      const [x, y] = cell;
      for (const next of [[x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]] as const) {
        const key = keyOf(...next);
        if (reasons.get(key) !== reason) continue;
        reasons.delete(key);
        frontier.push(next);
      }
    }
    cells.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    gaps.push({ cells, reason, paths: outline(cells) });
  }
  return gaps;
}
