// Cutting to a tile. Vector tiles carry a margin of their neighbours, so what lies outside is drawn by those.

export interface Point { x: number; y: number }

export const LEAST_AREA = 4; // square tile units; smaller pieces are left by cutting at the border

/** Cuts a closed ring of tile units to the tile, one border after the other (Sutherland and Hodgman, 1974). */
export function clipRing(ring: Point[], extent: number): Point[] {
  let points = ring;
  for (const [axis, limit, sign] of [["x", 0, 1], ["x", extent, -1], ["y", 0, 1], ["y", extent, -1]] as const) {
    const inside = (p: Point) => (p[axis] - limit) * sign >= 0;
    const cut: Point[] = [];
    points.forEach((b, i) => {
      const a = points[(i + points.length - 1) % points.length];
      if (inside(a) !== inside(b)) {
        const t = (limit - a[axis]) / (b[axis] - a[axis]);
        cut.push({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t, [axis]: limit });
      }
      if (inside(b)) cut.push(b);
    });
    points = cut;
  }
  return points;
}

/** Cuts a line of tile units to the tile; returns the pieces inside (Liang and Barsky, 1984). */
export function clipLine(line: Point[], extent: number): Point[][] {
  const pieces: Point[][] = [];
  let piece: Point[] = [];
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1], line[i]];
    let [t0, t1] = [0, 1];
    for (const [from, step] of [[a.x, b.x - a.x], [a.y, b.y - a.y]]) {
      for (const [p, q] of [[-step, from], [step, extent - from]]) {
        if (p === 0) { if (q < 0) t1 = -1; }
        else if (p < 0) t0 = Math.max(t0, q / p);
        else t1 = Math.min(t1, q / p);
      }
    }
    if (t0 > t1) {
      if (piece.length) pieces.push(piece);
      piece = [];
      continue;
    }
    const at = (t: number): Point => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
    if (!piece.length) piece.push(at(t0));
    piece.push(at(t1));
    if (t1 < 1) {
      pieces.push(piece);
      piece = [];
    }
  }
  if (piece.length) pieces.push(piece);
  return pieces;
}

/** The area of a ring in square tile units; positive for an outer ring of a vector tile. */
export const areaOf = (ring: readonly Point[]): number => ring.reduce((sum, b, i) => {
  const a = ring[(i + ring.length - 1) % ring.length];
  return sum + (a.x * b.y - b.x * a.y) / 2;
}, 0);

/** Splits a feature's rings into polygons: an outer ring has a positive area, its holes follow it. */
export function polygons(rings: Point[][]): Point[][][] {
  const found: Point[][][] = [];
  for (const ring of rings) {
    if (areaOf(ring) > 0) found.push([ring]);
    else found.at(-1)?.push(ring);
  }
  return found;
}
