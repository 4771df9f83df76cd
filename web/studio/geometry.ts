/** Quadrants, rectangles of them, and the outline around a set. Pure. */

export type Cell = readonly [number, number];
/** Both corners included: x0, y0, x1, y1. */
export type Rect = readonly [number, number, number, number];
export type Point = readonly [number, number];

export const SIZE = 512;

export const keyOf = (x: number, y: number): string => `${x},${y}`;

export function cellOf(key: string): Cell {
  const comma = key.indexOf(",");
  return [Number(key.slice(0, comma)), Number(key.slice(comma + 1))];
}

export function bounding(cells: Iterable<Cell>): Rect | null {
  let found: [number, number, number, number] | null = null;
  for (const [x, y] of cells) {
    if (!found) found = [x, y, x, y];
    else found = [Math.min(found[0], x), Math.min(found[1], y), Math.max(found[2], x), Math.max(found[3], y)];
  }
  return found;
}

export const width = (rect: Rect): number => rect[2] - rect[0] + 1;
export const height = (rect: Rect): number => rect[3] - rect[1] + 1;

export function cellsIn(rect: Rect): Cell[] {
  const cells: Cell[] = [];
  for (let y = rect[1]; y <= rect[3]; y++) for (let x = rect[0]; x <= rect[2]; x++) cells.push([x, y]);
  return cells;
}

export function between(a: Cell, b: Cell): Rect {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}

export function holds(rect: Rect, x: number, y: number): boolean {
  return x >= rect[0] && x <= rect[2] && y >= rect[1] && y <= rect[3];
}

export function contains(outer: Rect, inner: Rect): boolean {
  return holds(outer, inner[0], inner[1]) && holds(outer, inner[2], inner[3]);
}

export function meets(a: Rect, b: Rect): boolean {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}

export function grown(rect: Rect, by: number): Rect {
  return [rect[0] - by, rect[1] - by, rect[2] + by, rect[3] + by];
}

export function union(a: Rect | null, b: Rect | null): Rect | null {
  if (!a || !b) return a ?? b;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

/** Closed paths around a set of quadrants, clockwise, in quadrant corners; holes come as paths of their own. */
export function outline(cells: Iterable<Cell>): Point[][] {
  const inside = new Set<string>();
  const list = [...cells];
  for (const [x, y] of list) inside.add(keyOf(x, y));
  // Every edge with nothing on its left side, walked clockwise; from one corner up to two edges may leave.
  const leaving = new Map<string, Point[]>();
  const edge = (from: Point, to: Point): void => {
    const key = keyOf(...from);
    const known = leaving.get(key);
    if (known) known.push(to);
    else leaving.set(key, [to]);
  };
  for (const [x, y] of list) {
    if (!inside.has(keyOf(x, y - 1))) edge([x, y], [x + 1, y]);
    if (!inside.has(keyOf(x + 1, y))) edge([x + 1, y], [x + 1, y + 1]);
    if (!inside.has(keyOf(x, y + 1))) edge([x + 1, y + 1], [x, y + 1]);
    if (!inside.has(keyOf(x - 1, y))) edge([x, y + 1], [x, y]);
  }
  const paths: Point[][] = [];
  for (const [key, ends] of leaving) {
    while (ends.length > 0) {
      const start = cellOf(key);
      const path: Point[] = [start];
      let at: Point = ends.pop()!;
      while (at[0] !== start[0] || at[1] !== start[1]) {
        path.push(at);
        at = leaving.get(keyOf(...at))!.pop()!;
      }
      paths.push(path.filter((point, i) => !straight(path, i, point)));
    }
  }
  return paths;
}

function straight(path: Point[], i: number, point: Point): boolean {
  const before = path[(i + path.length - 1) % path.length]!;
  const after = path[(i + 1) % path.length]!;
  return (before[0] === point[0] && point[0] === after[0]) || (before[1] === point[1] && point[1] === after[1]);
}
