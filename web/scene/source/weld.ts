// Putting pieces together at the borders between their tiles: what runs along them there and back falls away, and the
// rest is traced anew.

import type { Cut } from "../city";
import { areaOf, LEAST_AREA, type Point } from "./clip";

type Edge = [from: Point, to: Point];

const AXES = [["x", "y"], ["y", "x"]] as const;
const STRAIGHT = 1.5; // units of the tile by which a corner on a border may stick out of a wall that was straight

/** The polygons that pieces make together, each an outer ring and its holes; null where their edges do not close. */
export function weld(cuts: readonly Cut[], same: number): Point[][][] | null {
  const unit = 1 / Math.min(...cuts.map(({ units }) => units));
  const lines = { x: inner(cuts.map(({ column }) => column)), y: inner(cuts.map(({ row }) => row)) };
  const onLine = (p: Point) => lines.x.includes(p.x) || lines.y.includes(p.y);
  const rings = snapped(cuts.flatMap((cut) => cut.rings), lines, same * unit);
  const edges: Edge[] = [];
  const along = new Map<string, Edge[]>(); // on a line, where the pieces meet
  for (const ring of rings) {
    ring.forEach((b, i) => {
      const a = ring[(i + ring.length - 1) % ring.length];
      const axis = AXES.find(([axis]) => a[axis] === b[axis] && lines[axis].includes(a[axis]))?.[0];
      if (!axis) return edges.push([a, b]);
      const key = `${axis}${a[axis]}`;
      along.set(key, [...(along.get(key) ?? []), [a, b]]);
    });
  }
  for (const [key, met] of along) edges.push(...uncovered(met, key.startsWith("x") ? "y" : "x"));
  const traced = trace(edges)?.map((ring) => plain(ring, STRAIGHT * unit, onLine)).filter((ring) => Math.abs(areaOf(ring)) > LEAST_AREA * unit * unit);
  if (!traced) return null;
  const polygons = traced.filter((ring) => areaOf(ring) > 0).map((ring) => [ring]);
  for (const hole of traced.filter((ring) => areaOf(ring) < 0)) polygons.find(([outer]) => holds(outer, hole[0]))?.push(hole);
  return polygons.length ? polygons : null;
}

/** The borders between the first and the last of some columns or rows. */
function inner(places: readonly number[]): number[] {
  const [low, high] = [Math.min(...places), Math.max(...places)];
  return Array.from({ length: high - low }, (_, i) => low + 1 + i);
}

/** Rings whose points on the lines agree: those closer than so much become one place. */
function snapped(rings: readonly Point[][], lines: Record<"x" | "y", number[]>, near: number): Point[][] {
  let moved = rings;
  for (const [axis, other] of AXES) {
    for (const line of lines[axis]) {
      const places = [...new Set(moved.flat().filter((p) => p[axis] === line).map((p) => p[other]))].sort((a, b) => a - b);
      const settled = new Map<number, number>();
      for (let i = 0, j = 0; i < places.length; i = j) {
        for (j = i + 1; j < places.length && places[j] - places[j - 1] <= near; j++);
        const cluster = places.slice(i, j);
        // The corner of a tile lies where it lies, for the pieces on its other sides.
        const to = cluster.find(Number.isInteger) ?? cluster[0];
        for (const place of cluster) settled.set(place, to);
      }
      moved = moved.map((ring) => ring.map((p) => (p[axis] === line ? { ...p, [other]: settled.get(p[other])! } : p)));
    }
  }
  return moved.map((ring) => ring.filter((p, i) => { const q = ring[(i + ring.length - 1) % ring.length]; return p.x !== q.x || p.y !== q.y; }));
}

/** What is left of edges on one line when those that run there and back are taken out. */
function uncovered(edges: readonly Edge[], axis: "x" | "y"): Edge[] {
  const places = new Map(edges.flat().map((point) => [point[axis], point]));
  const order = [...places.keys()].sort((a, b) => a - b);
  const found: Edge[] = [];
  for (let i = 0; i + 1 < order.length; i++) {
    const [low, high] = [order[i], order[i + 1]];
    let covered = 0;
    for (const [a, b] of edges) if (Math.min(a[axis], b[axis]) <= low && high <= Math.max(a[axis], b[axis])) covered += Math.sign(b[axis] - a[axis]);
    const [from, to] = [places.get(low)!, places.get(high)!];
    for (let n = 0; n < Math.abs(covered); n++) found.push(covered > 0 ? [from, to] : [to, from]);
  }
  return found;
}

/** The rings that edges make, each from its first point in order of place; null if one does not close. */
function trace(edges: Edge[]): Point[][] | null {
  const inOrder = ([p]: Edge, [q]: Edge) => p.x - q.x || p.y - q.y;
  const keyOf = ({ x, y }: Point) => `${x},${y}`;
  const leaving = new Map<string, Edge[]>();
  const sorted = [...edges].sort(inOrder);
  for (const edge of sorted) leaving.set(keyOf(edge[0]), [...(leaving.get(keyOf(edge[0])) ?? []), edge]);
  const rings: Point[][] = [];
  const used = new Set<Edge>();
  for (const first of sorted) {
    if (used.has(first)) continue;
    const ring: Point[] = [];
    let edge: Edge | undefined = first;
    do {
      used.add(edge);
      ring.push(edge[0]);
      const end: string = keyOf(edge[1]);
      if (end === keyOf(first[0])) break;
      edge = leaving.get(end)?.find((next) => !used.has(next));
    } while (edge);
    if (!edge) return null;
    rings.push(ring);
  }
  return rings;
}

/** A ring without the corners that cutting made in its straight sides. */
function plain(ring: readonly Point[], off: number, made: (p: Point) => boolean): Point[] {
  return ring.filter((p, i) => {
    if (!made(p)) return true;
    const [a, b] = [ring[(i + ring.length - 1) % ring.length], ring[(i + 1) % ring.length]];
    const length = Math.hypot(b.x - a.x, b.y - a.y);
    const along = ((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / length;
    return !(along > 0 && along < length && Math.abs((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)) <= off * length);
  });
}

/** Says whether a point lies inside a ring. */
function holds(ring: readonly Point[], { x, y }: Point): boolean {
  return ring.reduce((odd, b, i) => {
    const a = ring[(i + ring.length - 1) % ring.length];
    return a.y > y !== b.y > y && x < b.x + ((y - b.y) / (a.y - b.y)) * (a.x - b.x) ? !odd : odd;
  }, false);
}
