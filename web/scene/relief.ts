// How high the ground lies: a surface of triangles over a lattice that is fixed in the world.
//
// All that lies on the ground lies on these triangles, so nothing of it sinks in or floats, and districts meet without a
// gap: a corner's height depends on its place alone.

import { CHUNK, type Box } from "./chunk";
import type { Ring } from "./city";
import { METRES_PER_PIXEL } from "./camera";
import { SUN } from "./light";

const FINEST = Math.max(3, 8 * METRES_PER_PIXEL); // metres between corners: finer ones would cost more than they show

/** Metres between the corners of the lattice, for heights that are known so many metres apart: a part of a chunk's side. */
export const stepOf = (metres: number): number => CHUNK / Math.max(1, Math.round(CHUNK / Math.max(metres, FINEST)));

const behindSun = (across: number, away: number): boolean => SUN[2] - across * SUN[0] - away * SUN[1] <= 0;

/** A point of the ground: its height, and how much it rises per metre to the right and away from the eye. */
export interface Spot { z: number; across: number; away: number }

/** The ground of a box. */
export class Relief {
  readonly low: number;
  readonly high: number;
  private readonly z: Float32Array;
  private readonly i0: number;
  private readonly j0: number;
  private readonly width: number;
  private readonly height: number;

  /** Takes the heights of all corners in and around a box; what lies farther out is taken to go on level. */
  constructor(box: Box, readonly step: number, heightAt: (x: number, y: number) => number) {
    this.i0 = Math.floor(box[0] / step) - 1;
    this.j0 = Math.floor(box[1] / step) - 1;
    this.width = Math.ceil(box[2] / step) + 2 - this.i0;
    this.height = Math.ceil(box[3] / step) + 2 - this.j0;
    this.z = new Float32Array(this.width * this.height);
    let at = 0;
    for (let j = 0; j < this.height; j++) for (let i = 0; i < this.width; i++) this.z[at++] = heightAt((this.i0 + i) * step, (this.j0 + j) * step);
    [this.low, this.high] = this.z.reduce(([low, high], z) => [Math.min(low, z), Math.max(high, z)], [Infinity, -Infinity]);
  }

  /** The height of the ground at a point. */
  at(x: number, y: number): number {
    const [i, j, u, v] = this.cell(x, y);
    const [a, b, c, d] = [this.corner(i, j), this.corner(i + 1, j), this.corner(i, j + 1), this.corner(i + 1, j + 1)];
    return u >= v ? a + u * (b - a) + v * (d - b) : a + v * (c - a) + u * (d - c);
  }

  /** The ground at a point, its slope evened out over the corners around it. */
  spot(x: number, y: number): Spot {
    const [i, j, u, v] = this.cell(x, y);
    // The three corners of the triangle, and their shares.
    const parts: [number, number, number][] = u >= v ? [[i, j, 1 - u], [i + 1, j, u - v], [i + 1, j + 1, v]] : [[i, j, 1 - v], [i, j + 1, v - u], [i + 1, j + 1, u]];
    let [across, away] = [0, 0];
    for (const [p, q, share] of parts) {
      across += share * (this.corner(p + 1, q) - this.corner(p - 1, q));
      away += share * (this.corner(p, q + 1) - this.corner(p, q - 1));
    }
    return { z: this.at(x, y), across: across / (2 * this.step), away: away / (2 * this.step) };
  }

  /** The lowest and the highest ground in a box. */
  range([x0, y0, x1, y1]: Box): [low: number, high: number] {
    let [low, high] = [Infinity, -Infinity];
    this.each(x0, y0, x1, y1, (_x, _y, z) => {
      low = Math.min(low, z);
      high = Math.max(high, z);
    });
    return [low, high];
  }

  /** The lowest and the highest ground under rings, the ground inside them included. */
  under(rings: readonly Ring[], inside: (rings: readonly Ring[], x: number, y: number) => boolean): [low: number, high: number] {
    let [low, high] = [Infinity, -Infinity];
    const see = (z: number) => {
      low = Math.min(low, z);
      high = Math.max(high, z);
    };
    for (const ring of rings) {
      for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
        // Between two lines of the lattice the ground rises evenly, so its ends are there.
        for (const t of this.crossings(ring[j], ring[j + 1], ring[i], ring[i + 1])) see(this.at(ring[j] + (ring[i] - ring[j]) * t, ring[j + 1] + (ring[i + 1] - ring[j + 1]) * t));
      }
    }
    const xs = rings[0].filter((_, i) => i % 2 === 0), ys = rings[0].filter((_, i) => i % 2 === 1);
    this.each(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (x, y, z) => { if (inside(rings, x, y)) see(z); });
    return [low, high];
  }

  /** Where a line from a to b crosses the edges of triangles, as parts of its length, both ends included. */
  private crossings(ax: number, ay: number, bx: number, by: number): number[] {
    const found = [0, 1];
    for (const [from, to] of [[ax, bx], [ay, by], [ax - ay, bx - by]]) {
      const [p, q] = [from / this.step, to / this.step];
      for (let k = Math.floor(Math.min(p, q)) + 1; k < Math.max(p, q); k++) found.push((k - p) / (q - p));
    }
    return found;
  }

  /** Goes over the triangles of a square that the sun cannot reach for their own slope. */
  steep([x0, y0, x1, y1]: Box, see: (corners: [number, number, number][]) => void): void {
    const { step } = this;
    for (let j = Math.round(y0 / step); j < Math.round(y1 / step); j++) {
      for (let i = Math.round(x0 / step); i < Math.round(x1 / step); i++) {
        const [a, b, c, d] = [this.corner(i, j), this.corner(i + 1, j), this.corner(i, j + 1), this.corner(i + 1, j + 1)];
        const at = (p: number, q: number, z: number): [number, number, number] => [(i + p) * step, (j + q) * step, z];
        if (behindSun((b - a) / step, (d - b) / step)) see([at(0, 0, a), at(1, 0, b), at(1, 1, d)]);
        if (behindSun((d - c) / step, (c - a) / step)) see([at(0, 0, a), at(0, 1, c), at(1, 1, d)]);
      }
    }
  }

  /** Goes over the corners in a box and those next to it. */
  each(x0: number, y0: number, x1: number, y1: number, see: (x: number, y: number, z: number) => void): void {
    const { step } = this;
    for (let j = Math.floor(y0 / step); j <= Math.ceil(y1 / step); j++) {
      for (let i = Math.floor(x0 / step); i <= Math.ceil(x1 / step); i++) see(i * step, j * step, this.corner(i, j));
    }
  }

  private cell(x: number, y: number): [i: number, j: number, u: number, v: number] {
    const [p, q] = [x / this.step, y / this.step];
    const [i, j] = [Math.floor(p), Math.floor(q)];
    return [i, j, p - i, q - j];
  }

  private corner(i: number, j: number): number {
    const column = Math.max(0, Math.min(this.width - 1, i - this.i0)), row = Math.max(0, Math.min(this.height - 1, j - this.j0));
    return this.z[row * this.width + column];
  }
}
