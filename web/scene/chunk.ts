// A square of the city, 75 m wide: what stands in it, and its geometry once it is drawn.

import { Mesh as ThreeMesh, type BufferGeometry, type Material, type Object3D, type RawShaderMaterial } from "three";
import { ACROSS, COSINE, SINE, toPixel } from "./camera";
import { SHEAR } from "./light";
import type { Relief } from "./relief";
import { DOT } from "./sprite";

export const CHUNK = 75; // metres

/** A box [x0, y0, x1, y1]. */
export type Box = [number, number, number, number];

export const overlaps = (a: Box, b: Box): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** The order of drawing: what hides the most comes first, so that hidden pixels are never shaded. */
export const Stage = { wall: 0, roof: 1, sprite: 2, street: 3, area: 4, base: 5 } as const;

/** The finished geometry of a chunk: what is drawn with which program at which stage, and what casts shadows. */
export interface Built {
  parts: [geometry: BufferGeometry, program: RawShaderMaterial, stage: number][];
  casters: BufferGeometry | null;
}

/** Metres that what stands in a square at its border may reach out of it: half a bus, the crown of a conifer, a wide street's marks. */
const AROUND = 6.5;

/**
 * World pixels around a chunk's box: sprites stand on whole dots and are three wide at least; and they face the eye, so a
 * tree's corners stand out of the box where that is flat.
 */
const SPARE = 3 * DOT + Math.max(0, 5 - AROUND * SINE - 3.8 * COSINE) * ACROSS;

/** A square of the city. It knows how far its contents reach before they are built. */
export class Chunk<Content = unknown> {
  readonly square: Box;
  readonly ground: Box; // what its contents reach over
  top = 9; // metres; trees are never listed, so their height is always allowed for
  used = 0;
  private built: { objects: Object3D[]; casters: ThreeMesh | null } | null = null;

  private span: readonly [low: number, high: number] | null = null;

  /** The chunk at a place, on the ground of a relief or on level ground. */
  constructor(readonly cx: number, readonly cy: number, readonly content: Content, private readonly relief: Relief | null, private readonly build: () => Built) {
    this.square = [cx * CHUNK, cy * CHUNK, (cx + 1) * CHUNK, (cy + 1) * CHUNK];
    this.ground = [this.square[0] - AROUND, this.square[1] - AROUND, this.square[2] + AROUND, this.square[3] + AROUND];
  }

  /** Lets the chunk reach over a box of ground, with the bays and awnings around it, and up to a height in metres. */
  reach(box: Box, top: number): void {
    this.ground[0] = Math.min(this.ground[0], box[0] - 1.5);
    this.ground[1] = Math.min(this.ground[1], box[1] - 1.5);
    this.ground[2] = Math.max(this.ground[2], box[2] + 1.5);
    this.ground[3] = Math.max(this.ground[3], box[3] + 1.5);
    this.top = Math.max(this.top, top);
    this.span = null;
  }

  /** The lowest ground under it, and the highest thing that may stand on it. */
  private get heights(): readonly [low: number, high: number] {
    if (!this.span) {
      const [low, high] = this.relief?.range(this.ground) ?? [0, 0];
      this.span = [low, high + this.top];
    }
    return this.span;
  }

  /** The world pixels that the chunk can touch. */
  pixels(): Box {
    const [low, high] = this.heights;
    const [x0, y0] = toPixel(this.ground[0], this.ground[3], high);
    const [x1, y1] = toPixel(this.ground[2], this.ground[1], low);
    return [x0 - SPARE, y0 - SPARE, x1 + SPARE, y1 + SPARE];
  }

  /** The sheared ground that the chunk's shadows can touch (shadow.ts). */
  sheared(): Box {
    const [low, high] = this.heights;
    return [this.ground[0] + low * SHEAR[0], this.ground[1] + low * SHEAR[1], this.ground[2] + high * SHEAR[0], this.ground[3] + high * SHEAR[1]];
  }

  /** The chunk's objects, built when first asked for. */
  objects(): Object3D[] {
    return this.ready().objects;
  }

  /** The chunk's shadow casters. */
  casters(material: Material): Object3D[] {
    const { casters } = this.ready();
    if (!casters) return [];
    casters.material = material;
    return [casters];
  }

  get isBuilt(): boolean {
    return this.built !== null;
  }

  /** Frees the geometry; it is built again, the same, when it is needed again. */
  drop(): void {
    if (!this.built) return;
    for (const object of [...this.built.objects, this.built.casters]) (object as ThreeMesh | null)?.geometry.dispose();
    this.built = null;
  }

  private ready(): NonNullable<typeof this.built> {
    if (this.built) return this.built;
    const { parts, casters } = this.build();
    this.built = { objects: parts.map(([geometry, program, stage]) => still(geometry, program, stage)), casters: casters && still(casters) };
    return this.built;
  }
}

/** Wraps geometry that never moves and is culled by us. */
export function still(geometry: BufferGeometry, material?: Material, stage = 0): ThreeMesh {
  const mesh = new ThreeMesh(geometry, material);
  mesh.frustumCulled = false;
  mesh.matrixAutoUpdate = false;
  mesh.renderOrder = stage;
  return mesh;
}
