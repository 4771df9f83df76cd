// Vertices on their way to the GPU.

import { BufferAttribute, BufferGeometry, InterleavedBuffer, InterleavedBufferAttribute } from "three";
import { normalCode } from "./material";
import type { Colour } from "./palette";

/** A vertex layout: name, number of components, and whether they are floats, bytes as 0..1 or signed bytes as -1..1. */
export type Field = readonly [name: string, size: number, kind: "float" | "byte" | "signed"];

/** Collects interleaved quads and triangles of one layout. */
export class Mesh {
  private bytes = new ArrayBuffer(4096);
  private view = new DataView(this.bytes);
  private used = 0;
  private readonly indices: number[] = [];
  readonly stride: number;
  vertices = 0;

  constructor(readonly layout: readonly Field[]) {
    this.stride = layout.reduce((sum, [, size, kind]) => sum + (kind === "float" ? size * 4 : size), 0);
  }

  /** Starts a vertex; write its fields in the order of the layout. */
  vertex(): number {
    if (this.used + this.stride > this.bytes.byteLength) {
      const larger = new ArrayBuffer(this.bytes.byteLength * 2);
      new Uint8Array(larger).set(new Uint8Array(this.bytes));
      this.bytes = larger;
      this.view = new DataView(larger);
    }
    return this.vertices++;
  }

  float(value: number): void {
    this.view.setFloat32(this.used, value, true);
    this.used += 4;
  }

  byte(value: number): void {
    this.view.setUint8(this.used++, Math.max(0, Math.min(255, Math.round(value))));
  }

  signed(value: number): void {
    this.view.setInt8(this.used++, Math.round(value * 127));
  }

  triangle(a: number, b: number, c: number): void {
    this.indices.push(a, b, c);
  }

  /** Hands the vertices over as a geometry, or null when there are none. */
  geometry(): BufferGeometry | null {
    if (!this.indices.length) return null;
    const geometry = new BufferGeometry();
    const data = this.bytes.slice(0, this.used);
    const floats = new InterleavedBuffer(new Float32Array(data), this.stride / 4);
    // One buffer seen as floats would upload a second time as bytes, so byte fields ride in floats and are unpacked by
    // the shader: three.js keeps one GPU buffer per InterleavedBuffer.
    let offset = 0;
    for (const [name, size, kind] of this.layout) {
      const words = kind === "float" ? size : size / 4;
      geometry.setAttribute(name, new InterleavedBufferAttribute(floats, words, offset));
      offset += words;
    }
    const index = this.vertices < 65536 ? new Uint16Array(this.indices) : new Uint32Array(this.indices);
    geometry.setIndex(new BufferAttribute(index, 1));
    return geometry;
  }
}
