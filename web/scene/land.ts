// What the ground of a block knows: where the data lies, how close houses are.

import { DataTexture, RedFormat, UnsignedByteType, Vector4 } from "three";
import { ACROSS, UP } from "./camera";
import type { Box } from "./chunk";
import type { District } from "./district";
import type { Field } from "./mask";
import { BLOCK, uniforms } from "./program";

const AROUND = 24; // metres around a block that its ground looks at: a garden plot, a square of the coarse field
const KEPT = 64; // blocks

interface Knowledge { texture: DataTexture; frame: Vector4 }

/** The knowledge of the blocks drawn last. */
export class Land {
  private readonly kept = new Map<string, Knowledge>(); // the one used last is the last

  /** The land lies within bounds, in metres [x0, y0, x1, y1] east and south of the origin. */
  constructor(bounds: readonly number[]) {
    uniforms.land.value = new Vector4(...bounds);
  }

  /** Points the uniforms at what is known of block (bx, by), whose ground is given, cut from the districts under it. */
  use(bx: number, by: number, ground: Box, districts: readonly District[]): void {
    const key = `${bx},${by}`;
    const known = this.kept.get(key) ?? this.gather(bx, by, ground, districts);
    this.kept.delete(key);
    this.kept.set(key, known);
    uniforms.nearMap.value = known.texture;
    uniforms.nearFrame.value = known.frame;
    for (const [oldest, { texture }] of this.kept) {
      if (this.kept.size <= KEPT) break;
      texture.dispose();
      this.kept.delete(oldest);
    }
  }

  private gather(bx: number, by: number, ground: Box, districts: readonly District[]): Knowledge {
    const { data, width, height, step, x0, y0 } = cut(ground, districts.map((district) => [district.ground, district.near]));
    const texture = new DataTexture(data, width, height, RedFormat, UnsignedByteType);
    texture.unpackAlignment = 1;
    texture.needsUpdate = true;
    // The square under a cell: where the middle of the block's first one lies, and by how many squares the next ones lie apart.
    const [column, row] = [((bx * BLOCK + 1) / ACROSS - x0) / step, (-(by * BLOCK + 1) / UP - y0) / step];
    return { texture, frame: new Vector4(column - 0.25, row - 0.25, 2 / ACROSS / step, -2 / UP / step) };
  }
}

/** The field of a box of ground: every square from the district that its corner lies in, 0 where there is none. */
function cut(ground: Box, parts: readonly (readonly [Box, Field])[]): Field {
  const { step, x0: first, y0: second } = parts[0]?.[1] ?? { step: 8, x0: 0, y0: 0 };
  const start = (metres: number, from: number) => from + Math.floor((metres - AROUND - from) / step) * step;
  const [x0, y0] = [start(ground[0], first), start(ground[1], second)];
  const width = Math.ceil((ground[2] + AROUND - x0) / step), height = Math.ceil((ground[3] + AROUND - y0) / step);
  const data = new Uint8Array(width * height);
  for (const [box, field] of parts) {
    const [left, right] = [Math.max(0, Math.ceil((box[0] - x0) / step)), Math.min(width, Math.ceil((box[2] - x0) / step))];
    const [low, high] = [Math.max(0, Math.ceil((box[1] - y0) / step)), Math.min(height, Math.ceil((box[3] - y0) / step))];
    const [dx, dy] = [(x0 - field.x0) / step, (y0 - field.y0) / step];
    for (let row = low; row < high; row++) {
      for (let column = left; column < right; column++) data[row * width + column] = field.data[(row + dy) * field.width + column + dx];
    }
  }
  return { data, width, height, step, x0, y0 };
}
