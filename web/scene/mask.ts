// What lies on every square metre of a district: for walls that look for a street, trees that look for room.

import type { Box } from "./chunk";
import { boxOf, type Ring } from "./city";

export const On = { building: 1, street: 2, asphalt: 4, park: 8, wood: 16, bare: 32, wide: 64, path: 128 } as const;

/** A byte per square of step metres, from the corner (x0, y0) on. */
export interface Field { data: Uint8Array<ArrayBuffer>; width: number; height: number; step: number; x0: number; y0: number }

/** The value of a field at a point, 0 to 1. */
export function valueAt({ data, width, height, step, x0, y0 }: Field, x: number, y: number): number {
  const [i, j] = [Math.floor((x - x0) / step), Math.floor((y - y0) / step)];
  return i < 0 || j < 0 || i >= width || j >= height ? 0 : data[j * width + i] / 255;
}

/** One byte of flags per square metre of view ground. */
export class Mask {
  private readonly bytes: Uint8Array;
  private readonly x0: number;
  private readonly y0: number;
  private readonly width: number;
  private readonly height: number;
  private readonly crossings: number[][] = []; // of each row of the polygon that is filled, kept for the next one

  /** A mask of a box of whole metres, free as yet. */
  constructor(box: Box) {
    [this.x0, this.y0] = box;
    this.width = box[2] - box[0];
    this.height = box[3] - box[1];
    this.bytes = new Uint8Array(this.width * this.height);
  }

  /** The flags at a point; 0 outside the box. */
  at(x: number, y: number): number {
    const column = Math.floor(x) - this.x0, row = Math.floor(y) - this.y0;
    return column < 0 || row < 0 || column >= this.width || row >= this.height ? 0 : this.bytes[row * this.width + column];
  }

  /**
   * How much of the ground is built on, counted in squares of so many metres and blurred so many times; less so many
   * metres at the mask's edges, a whole number of squares.
   */
  built(step: number, strength: number, rounds: number, less = 0): Field {
    const [width, height] = [Math.floor((this.width - 2 * less) / step), Math.floor((this.height - 2 * less) / step)];
    let data = new Uint8Array(width * height);
    const counts = new Uint16Array(width);
    for (let j = 0; j < height; j++) {
      counts.fill(0);
      for (let y = 0; y < step; y++) count(this.bytes, (less + j * step + y) * this.width + less, step, counts);
      for (let i = 0; i < width; i++) data[j * width + i] = Math.min(255, (counts[i] / (step * step)) * strength * 255);
    }
    for (let round = 0; round < rounds; round++) for (const next of [1, width]) data = blurred(data, next);
    return { data, width, height, step, x0: this.x0 + less, y0: this.y0 + less };
  }

  /** Sets a flag on every square metre whose middle lies in a polygon (even-odd rule, so holes stay free). */
  fill(rings: readonly Ring[], flag: number): void {
    const [, low, , high] = boxOf(rings[0]);
    const first = Math.max(0, Math.floor(low) - this.y0), last = Math.min(this.height - 1, Math.ceil(high) - this.y0);
    const { bytes, crossings, width } = this;
    while (crossings.length <= last - first) crossings.push([]);
    // Side by side, and of each only the rows that it crosses: a park has a thousand sides.
    for (const ring of rings) {
      for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
        const [a, b] = [ring[j + 1], ring[i + 1]];
        const to = Math.min(last, Math.ceil(Math.max(a, b)) - this.y0);
        for (let row = Math.max(first, Math.floor(Math.min(a, b)) - 1 - this.y0); row <= to; row++) {
          const y = this.y0 + row + 0.5;
          if (b > y !== a > y) crossings[row - first].push(ring[j] + ((y - a) / (b - a)) * (ring[i] - ring[j]));
        }
      }
    }
    for (let row = first; row <= last; row++) {
      const found = crossings[row - first];
      if (found.length > 2 || found[0] > found[1]) found.sort((a, b) => a - b);
      for (let c = 0; c + 1 < found.length; c += 2) {
        const from = Math.max(0, Math.ceil(found[c] - 0.5) - this.x0), to = Math.min(width - 1, Math.ceil(found[c + 1] - 0.5) - 1 - this.x0);
        for (let at = row * width + from; at <= row * width + to; at++) bytes[at] |= flag;
      }
      found.length = 0;
    }
  }

  /** Sets a flag on every square metre whose middle lies within half metres of a line from a to b. */
  stroke(ax: number, ay: number, bx: number, by: number, half: number, flag: number): void {
    const [dx, dy] = [bx - ax, by - ay];
    const square = dx * dx + dy * dy || 1;
    const rows = [Math.floor(Math.min(ay, by) - half), Math.ceil(Math.max(ay, by) + half)];
    const columns = [Math.max(this.x0, Math.floor(Math.min(ax, bx) - half)), Math.min(this.x0 + this.width, Math.ceil(Math.max(ax, bx) + half))];
    const wide = half * Math.sqrt(square) + 1e-6;
    for (let y = Math.max(rows[0], this.y0); y < Math.min(rows[1], this.y0 + this.height); y++) {
      // Of the row only what lies beside the line: of a slanted street's box that is little.
      const middle = y + 0.5 - ay, row = (y - this.y0) * this.width - this.x0;
      const [s, t] = Math.abs(dy) < 1e-3 ? [-Infinity, Infinity] : [(middle * dx - wide) / dy, (middle * dx + wide) / dy];
      const from = Math.max(columns[0], Math.floor(ax + Math.min(s, t)) - 1), to = Math.min(columns[1], Math.ceil(ax + Math.max(s, t)) + 1);
      for (let x = from; x < to; x++) {
        const along = x + 0.5 - ax;
        const t = Math.max(0, Math.min(1, (along * dx + middle * dy) / square));
        const ex = along - dx * t, ey = middle - dy * t;
        if (ex * ex + ey * ey <= half * half) this.bytes[row + x] |= flag;
      }
    }
  }
}

// Functions of their own: an engine that is still warming up leaves a loop within loops at each of its ends.

/** Counts what is built on along a row of a mask, from a byte on, into squares of so many metres. */
function count(bytes: Uint8Array, from: number, step: number, counts: Uint16Array): void {
  for (let i = 0, at = from, x = 0; i < counts.length; at++) {
    counts[i] += bytes[at] & On.building;
    if (++x < step) continue;
    x = 0;
    i++;
  }
}

/** Blurs a field along its rows or its columns, in which the next value stands so many bytes on. */
function blurred(data: Uint8Array<ArrayBuffer>, next: number): Uint8Array<ArrayBuffer> {
  const made = data.slice();
  for (let i = next; i < data.length - next; i++) made[i] = (data[i - next] + 2 * data[i] + data[i + next]) >> 2;
  return made;
}
