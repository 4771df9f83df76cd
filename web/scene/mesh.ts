// Vertices on their way to the GPU.

import { BufferAttribute, BufferGeometry, InterleavedBuffer, InterleavedBufferAttribute } from "three";
import type { Colour } from "./palette";

/** The fields of a vertex: so many floats each, and 32-bit words that a shader takes apart. */
export interface Layout {
  floats: readonly (readonly [name: string, size: number])[];
  words: readonly string[];
}

/** Packs four bytes into a word, the first one lowest. */
export function pack(a: number, b: number, c: number, d: number): number {
  const byte = (v: number) => Math.max(0, Math.min(255, Math.round(v)));
  return (byte(a) | (byte(b) << 8) | (byte(c) << 16) | (byte(d) << 24)) >>> 0;
}

/** Packs a colour and one more byte into a word. */
export function packColour(c: Colour, d: number): number {
  return pack(c[0], c[1], c[2], d);
}

/** Collects the vertices and triangles of one layout. */
export class Mesh {
  private readonly floats: number[] = [];
  private readonly words: number[] = [];
  private readonly indices: number[] = [];
  private count = 0;

  constructor(private readonly layout: Layout) {}

  /** Adds a vertex and returns its index; floats and words in the order of the layout. */
  vertex(floats: readonly number[], words: readonly number[]): number {
    for (const value of floats) this.floats.push(value);
    for (const value of words) this.words.push(value);
    return this.count++;
  }

  triangle(a: number, b: number, c: number): void {
    this.indices.push(a, b, c);
  }

  quad(a: number, b: number, c: number, d: number): void {
    this.indices.push(a, b, c, a, c, d);
  }

  /** Adds all of another mesh of the same layout. */
  append(other: Mesh): void {
    for (const index of other.indices) this.indices.push(index + this.count);
    for (const value of other.floats) this.floats.push(value);
    for (const value of other.words) this.words.push(value);
    this.count += other.count;
  }

  /** Hands the vertices over as a geometry, or null when there are none. */
  geometry(): BufferGeometry | null {
    if (!this.indices.length) return null;
    const geometry = new BufferGeometry();
    const size = this.layout.floats.reduce((sum, [, n]) => sum + n, 0);
    const floats = new InterleavedBuffer(new Float32Array(this.floats), size);
    let offset = 0;
    for (const [name, n] of this.layout.floats) {
      geometry.setAttribute(name, new InterleavedBufferAttribute(floats, n, offset));
      offset += n;
    }
    const words = new InterleavedBuffer(new Uint32Array(this.words), this.layout.words.length);
    this.layout.words.forEach((name, i) => geometry.setAttribute(name, new InterleavedBufferAttribute(words, 1, i)));
    const index = this.count < 65536 ? new Uint16Array(this.indices) : new Uint32Array(this.indices);
    geometry.setIndex(new BufferAttribute(index, 1));
    return geometry;
  }
}
