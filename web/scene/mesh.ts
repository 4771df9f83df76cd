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

type Numbers = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

const SMALL = 256; // numbers; a longer list borrows its memory from those that are done
const LARGE = 16384;
const spare: Numbers[] = [];

/** A list of numbers of one kind. An array of numbers takes thrice the memory, and a typed one of its own is slow to get. */
class List<T extends Numbers> {
  length = 0;

  constructor(private readonly kind: new (length: number) => T, private items = new kind(0)) {}

  /** Makes room for so many more; returns the items, to be written from `length` on. */
  room(more: number): T {
    const needed = this.length + more;
    if (needed > this.items.length) {
      const larger = this.larger(needed);
      larger.set(this.items.subarray(0, this.length));
      this.free();
      this.items = larger;
    }
    return this.items;
  }

  /** Adds all of another list, each so much larger. */
  append(other: List<T>, more: number): void {
    const items = this.room(other.length);
    for (let i = 0; i < other.length; i++) items[this.length + i] = other.items[i] + more;
    this.length += other.length;
  }

  /** Hands the numbers over; the list is empty then. */
  done(): T {
    const items = this.items.slice(0, this.length) as T;
    this.free();
    this.items = new this.kind(0);
    this.length = 0;
    return items;
  }

  private larger(needed: number): T {
    if (needed <= SMALL) return new this.kind(SMALL);
    const i = spare.findIndex((items) => items instanceof this.kind && items.length >= needed);
    return i < 0 ? new this.kind(Math.max(LARGE, needed * 2)) : (spare.splice(i, 1)[0] as T);
  }

  private free(): void {
    if (this.items.length >= LARGE) spare.push(this.items);
    if (spare.length > 24) spare.shift();
  }
}

const NO_OTHERS: readonly number[] = [];

/** Collects the vertices and triangles of one layout. */
export class Mesh {
  private readonly floats = new List<Float32Array<ArrayBuffer>>(Float32Array);
  private readonly words = new List<Uint32Array<ArrayBuffer>>(Uint32Array);
  private readonly indices = new List<Uint32Array<ArrayBuffer>>(Uint32Array);
  private count = 0;

  constructor(private readonly layout: Layout) {}

  /** Adds a vertex and returns its index: its first three floats, then what the corners of a face share. */
  vertex(x: number, y: number, z: number, words: readonly number[], others: readonly number[] = NO_OTHERS): number {
    const floats = this.floats.room(3 + others.length);
    let at = this.floats.length;
    floats[at++] = x;
    floats[at++] = y;
    floats[at++] = z;
    for (let i = 0; i < others.length; i++) floats[at++] = others[i];
    this.floats.length = at;
    const packed = this.words.room(words.length);
    at = this.words.length;
    for (let i = 0; i < words.length; i++) packed[at++] = words[i];
    this.words.length = at;
    return this.count++;
  }

  triangle(a: number, b: number, c: number): void {
    const items = this.indices.room(3), at = this.indices.length;
    items[at] = a;
    items[at + 1] = b;
    items[at + 2] = c;
    this.indices.length += 3;
  }

  quad(a: number, b: number, c: number, d: number): void {
    this.triangle(a, b, c);
    this.triangle(a, c, d);
  }

  /** Adds all of another mesh of the same layout. */
  append(other: Mesh): void {
    this.indices.append(other.indices, this.count);
    this.floats.append(other.floats, 0);
    this.words.append(other.words, 0);
    this.count += other.count;
  }

  /** Hands the vertices over as a geometry, or null when there are none; the mesh is empty then. */
  geometry(): BufferGeometry | null {
    if (!this.indices.length) return null;
    const geometry = new BufferGeometry();
    const size = this.layout.floats.reduce((sum, [, n]) => sum + n, 0);
    const floats = new InterleavedBuffer(this.floats.done(), size);
    let offset = 0;
    for (const [name, n] of this.layout.floats) {
      geometry.setAttribute(name, new InterleavedBufferAttribute(floats, n, offset));
      offset += n;
    }
    const words = new InterleavedBuffer(this.words.done(), this.layout.words.length);
    this.layout.words.forEach((name, i) => geometry.setAttribute(name, new InterleavedBufferAttribute(words, 1, i)));
    const indices = this.indices.done();
    const index = new BufferAttribute(this.count < 65536 ? new Uint16Array(indices) : indices, 1);
    this.count = 0;
    geometry.setIndex(index);
    for (const buffer of [floats, words, index]) uploadOnly(buffer);
    return geometry;
  }
}

const NONE = new Uint8Array(0);

/** Lets go of a buffer's numbers once the GPU has them: they are built anew, the same, where they are needed again. */
export function uploadOnly(buffer: InterleavedBuffer | BufferAttribute): void {
  buffer.onUpload(() => { buffer.array = NONE; });
}
