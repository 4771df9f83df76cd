// What frames are drawn of: the world of footprints (world.ts), or a tile set (tileset/tileset.ts).

import type { Material, Object3D } from "three";
import type { Box } from "./chunk";
import type { Failure } from "./source/missing";

/** Something with a place in the world, made ready when it is asked for. */
export interface Part {
  objects(): Object3D[];
  /** What casts its shadows, drawn with this material. */
  casters(material: Material): Object3D[];
}

/** A world that is loaded, laid out and then asked for block after block; program.ts says what a block is. */
export interface Scenery {
  /** World pixels outside of which there is nothing. */
  readonly bounds: Box;
  /** The lowest and the highest metre that anything in the block is drawn at. */
  readonly heights: readonly [lowest: number, highest: number];
  /** The lowest metre that is seen in the block, and the highest; shadows fall on what lies between. */
  readonly shaded: readonly [lowest: number, highest: number];

  /** Loads all that a rectangle of world pixels needs; what could not be loaded is returned, and then it cannot be drawn. */
  load(x: number, y: number, width: number, height: number): Promise<{ tiles: unknown; failed: Failure[] }>;
  /** Lays out what a rectangle of world pixels needs, from what was loaded for it. */
  layOut(x: number, y: number, width: number, height: number, tiles: unknown): void;
  /** Turns to a block that was laid out: from here on everything is asked for it. */
  enter(bx: number, by: number): void;
  /** Every part whose contents can touch a rectangle of the block, in a fixed order. */
  inPixels(box: Box): Part[];
  /** Every part whose shadows can touch a box of sheared ground (shadow.ts). */
  inShadow(box: Box): Part[];
  /** What belongs to no part. */
  everywhere(): Object3D[];
  /** Frees what is no longer needed, once a frame was drawn. */
  trim(): void;
}
