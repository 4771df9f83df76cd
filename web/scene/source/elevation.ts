// Tiles of heights on their way into the page, and the height of any place from them.

import { fromView } from "../camera";
import type { Box } from "../chunk";
import { boxOf } from "../city";
import { groundToTile, tileToGround } from "../place";
import { asked, Missing, type Failure } from "./missing";
import { keyOf, Store } from "./store";

const KEPT = 8 * 2 ** 20; // heights of tiles that are kept, four bytes each
const NEXT = 1 / 64; // of a tile: a place so near its border looks at the next one, however few heights there are

/** Where the heights lie that a place looks at, told by the source's ground alone. */
export class Elevation {
  /** Metres between two heights, once a tile came. */
  spacing = 0;
  private readonly store: Store<Float32Array>;
  private readonly origin: [column: number, row: number];
  private readonly metres: number; // along each side of a tile
  private readonly tiles: Box; // the first and the last column and row
  private side = 0; // heights along each side of a tile

  /** Heights of ground within bounds, in metres [x0, y0, x1, y1] east and south of the origin; beyond, the border's go on. */
  constructor(private readonly zoom: number, private readonly bounds: readonly [number, number, number, number]) {
    this.store = new Store(KEPT, `terrain ${zoom}`, (column, row) => this.fetch(column, row), (heights) => heights.length);
    this.origin = groundToTile(zoom, 0, 0);
    this.metres = tileToGround(zoom, 0, 1)[1] - tileToGround(zoom, 0, 0)[1];
    const [x0, y0] = this.place(bounds[0], bounds[1]), [x1, y1] = this.place(bounds[2], bounds[3]);
    const held = (tile: number) => Math.max(0, Math.min(2 ** zoom - 1, tile));
    // A border of the source that is one of these tiles, too, is not to touch the next by rounding.
    this.tiles = [held(Math.floor(x0 + 1e-4)), held(Math.floor(y0 + 1e-4)), held(Math.floor(x1 - 1e-4)), held(Math.floor(y1 - 1e-4))];
  }

  /** The tiles that the places in a box of view ground look at. */
  under([x0, y0, x1, y1]: Box): [column: number, row: number][] {
    const box = boxOf([...fromView(x0, y0), ...fromView(x1, y0), ...fromView(x1, y1), ...fromView(x0, y1)]);
    const [left, top] = this.place(...this.inside(box[0], box[1])), [right, bottom] = this.place(...this.inside(box[2], box[3]));
    const found: [number, number][] = [];
    for (let column = Math.max(this.tiles[0], Math.floor(left - NEXT)); column <= Math.min(this.tiles[2], Math.floor(right + NEXT)); column++) {
      for (let row = Math.max(this.tiles[1], Math.floor(top - NEXT)); row <= Math.min(this.tiles[3], Math.floor(bottom + NEXT)); row++) found.push([column, row]);
    }
    return found;
  }

  /** Loads tiles; the height of any place that looks at them alone, or what could not be loaded. */
  async load(wanted: readonly [column: number, row: number][]): Promise<{ heightAt: (x: number, y: number) => number; failed: Failure[] }> {
    const { tiles, failed } = await this.store.load(wanted);
    return { heightAt: (x, y) => this.height(tiles, x, y), failed };
  }

  private place(east: number, south: number): [column: number, row: number] {
    return [this.origin[0] + east / this.metres, this.origin[1] + south / this.metres];
  }

  private inside(east: number, south: number): [east: number, south: number] {
    const [x0, y0, x1, y1] = this.bounds;
    return [Math.max(x0, Math.min(x1, east)), Math.max(y0, Math.min(y1, south))];
  }

  /** The height of a place, evened out between the four nearest that are known; each is that of the middle of a square. */
  private height(tiles: ReadonlyMap<string, Float32Array>, x: number, y: number): number {
    const { side } = this;
    const [column, row] = this.place(...this.inside(...fromView(x, y)));
    const [p, q] = [column * side - 0.5, row * side - 0.5];
    const [i, j] = [Math.floor(p), Math.floor(q)];
    const known = (i: number, j: number) => {
      const [a, b] = [Math.max(this.tiles[0] * side, Math.min((this.tiles[2] + 1) * side - 1, i)), Math.max(this.tiles[1] * side, Math.min((this.tiles[3] + 1) * side - 1, j))];
      const [c, r] = [Math.floor(a / side), Math.floor(b / side)];
      return tiles.get(keyOf(c, r))![(b - r * side) * side + a - c * side];
    };
    const [u, v] = [p - i, q - j];
    return (known(i, j) * (1 - u) + known(i + 1, j) * u) * (1 - v) + (known(i, j + 1) * (1 - u) + known(i + 1, j + 1) * u) * v;
  }

  private async fetch(column: number, row: number): Promise<Float32Array> {
    const { answer, address } = await asked(`/terrain/${this.zoom}/${column}/${row}`, `terrain ${this.zoom}/${column}/${row}`);
    const heights = new Float32Array(await answer.arrayBuffer());
    const side = Math.sqrt(heights.length);
    if (this.side && side !== this.side) throw new Missing({ address, reason: `it is ${side} pixels wide and others are ${this.side}` });
    this.side = side;
    this.spacing = this.metres / side;
    return heights;
  }
}
