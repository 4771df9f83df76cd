// Pieces that the borders of source tiles cut off: which of them are one thing.
//
// Two pieces belong together when they are called the same and are cut in the same place along the border between them.
// Ids alone say little: many tiles number their features anew, or merge a hundred houses into one.
//
// Every tile must come to the same answer from its neighbours alone. So a thing is put together only if it lies within
// two by two tiles, those included that its cuts point to: each of its tiles then sees all of it.

import type { Cut } from "../city";
import type { Point } from "./clip";
import { weld } from "./weld";

const SAME = 2; // units of the tile within which two ends of a cut are one place

/** A thing that was cut: what both sides of the border call it, and its shape on this side. */
export interface Piece { words: string; cut: Cut }

/** Several pieces put together again. The key is the same for every tile that has one of them. */
export interface Whole<P extends Piece> { key: string; pieces: P[]; polygons: Point[][][] }

/** A stretch of a border where a piece was cut off. */
interface Stretch<P extends Piece> { piece: P; from: number; to: number }

/** All that lies in tile (column, row), in part at least, put together from the pieces of it and of the tiles around. */
export function wholesOf<P extends Piece>(column: number, row: number, pieces: readonly P[]): Whole<P>[] {
  const partners = new Map<P, Set<P>>();
  const tiles = new Map<P, [number, number][]>(); // its own, and those that its cuts point to
  const borders = new Map<string, [before: Stretch<P>[], after: Stretch<P>[]]>();
  for (const piece of pieces) {
    const { cut } = piece;
    tiles.set(piece, [[cut.column, cut.row]]);
    for (const axis of ["x", "y"] as const) {
      for (const side of [0, 1]) {
        const at = (axis === "x" ? cut.column : cut.row) + side;
        const found = stretches(cut, axis, at);
        if (!found.length) continue;
        const step = side ? 1 : -1;
        tiles.get(piece)!.push(axis === "x" ? [cut.column + step, cut.row] : [cut.column, cut.row + step]);
        const key = `${axis},${at},${axis === "x" ? cut.row : cut.column}`;
        if (!borders.has(key)) borders.set(key, [[], []]);
        borders.get(key)![1 - side].push(...found.map(([from, to]) => ({ piece, from, to })));
      }
    }
  }
  for (const [before, after] of borders.values()) pair(before, after, partners);
  const wholes: Whole<P>[] = [];
  const seen = new Set<P>();
  for (const piece of pieces) {
    if (piece.cut.column !== column || piece.cut.row !== row || seen.has(piece) || !partners.has(piece)) continue;
    const together = [piece];
    seen.add(piece);
    for (const one of together) {
      for (const other of partners.get(one) ?? []) {
        if (!seen.has(other)) together.push(other);
        seen.add(other);
      }
    }
    const near = together.flatMap((one) => tiles.get(one)!);
    const spread = [0, 1].map((i) => Math.max(...near.map((tile) => tile[i])) - Math.min(...near.map((tile) => tile[i])));
    if (Math.max(...spread) > 1) continue;
    together.sort(inOrder);
    const polygons = weld(together.map(({ cut }) => cut), SAME);
    if (polygons) wholes.push({ key: nameOf(together[0]), pieces: together, polygons });
  }
  return wholes;
}

/** Makes partners of what coincides on the two sides of a border, each stretch with one other at most. */
function pair<P extends Piece>(before: readonly Stretch<P>[], after: readonly Stretch<P>[], partners: Map<P, Set<P>>): void {
  const found: { a: Stretch<P>; b: Stretch<P>; off: number }[] = [];
  for (const a of before) {
    for (const b of after) {
      const [p, q] = [a.piece, b.piece];
      const shared = Math.min(a.to, b.to) - Math.max(a.from, b.from);
      if (p.words !== q.words || shared <= 0) continue;
      const off = Math.max(Math.abs(a.from - b.from), Math.abs(a.to - b.to));
      // With one id they may differ by more: some tiles are simplified each on its own.
      const known = p.cut.id !== undefined && p.cut.id === q.cut.id && shared > Math.min(a.to - a.from, b.to - b.from) / 2;
      if (known || off <= SAME / Math.min(p.cut.units, q.cut.units)) found.push({ a, b, off });
    }
  }
  found.sort((one, other) => one.off - other.off);
  const taken = new Set<Stretch<P>>();
  for (const { a, b } of found) {
    if (taken.has(a) || taken.has(b)) continue;
    taken.add(a).add(b);
    for (const [one, other] of [[a.piece, b.piece], [b.piece, a.piece]]) {
      if (!partners.has(one)) partners.set(one, new Set());
      partners.get(one)!.add(other);
    }
  }
}

/** Where a piece ends at the border that lies at a place along an axis. */
function stretches({ rings }: Cut, axis: "x" | "y", at: number): [from: number, to: number][] {
  const other = axis === "x" ? "y" : "x";
  const steps: [place: number, turn: number][] = [];
  for (const ring of rings) {
    ring.forEach((b, i) => {
      const a = ring[(i + ring.length - 1) % ring.length];
      if (a[axis] !== at || b[axis] !== at || a[other] === b[other]) return;
      const way = Math.sign(b[other] - a[other]);
      steps.push([Math.min(a[other], b[other]), way], [Math.max(a[other], b[other]), -way]);
    });
  }
  steps.sort((one, next) => one[0] - next[0]);
  const found: [number, number][] = [];
  let covered = 0;
  let from: number | null = null;
  steps.forEach(([place, turn], i) => {
    // Cutting leaves bridges along the border between the parts of a ring; there and back, they come to nothing.
    covered += turn;
    if (steps[i + 1]?.[0] === place) return;
    if (covered && from === null) from = place;
    else if (!covered && from !== null) {
      found.push([from, place]);
      from = null;
    }
  });
  return found;
}

/** What a piece is called everywhere: its tile and the place where it begins. */
function nameOf({ words, cut: { column, row, rings } }: Piece): string {
  return `${column},${row},${rings[0][0].x},${rings[0][0].y},${words}`;
}

function inOrder({ cut: a }: Piece, { cut: b }: Piece): number {
  return a.column - b.column || a.row - b.row || a.rings[0][0].x - b.rings[0][0].x || a.rings[0][0].y - b.rings[0][0].y;
}
