// The world in districts: which of them a frame needs, and what of them can touch a block.
//
// What is drawn of a block depends on its place and on the source alone: every list here follows from the block, never
// from what happens to be loaded.

import type { Object3D } from "three";
import { BEHIND, fromView, METRES_PER_PIXEL, toPixel, toView, UP } from "./camera";
import { CHUNK, overlaps, type Box, type Chunk } from "./chunk";
import { boxOf, type Ring } from "./city";
import { District, DISTRICT, groundOf, grown, MARGIN } from "./district";
import { edgeGround, paperGround, wildGround } from "./garden";
import { insideConvex } from "./ground";
import { Horizon, spanOf } from "./horizon";
import { Land } from "./land";
import { SHEAR } from "./light";
import { Plot } from "./plot";
import { BLOCK } from "./program";
import type { Relief } from "./relief";
import { HIGHEST } from "./shadow";
import type { Scenery } from "./scenery";
import { TERRAIN } from "./settings";
import { Elevation } from "./source/elevation";
import type { Failure } from "./source/missing";
import { keyOf } from "./source/store";
import type { Supply, Tile } from "./source/supply";

/** Built chunks, 100 KB each: those of six frames at the default camera, or of two where a frame shows more. */
const CHUNKS_KEPT = Math.max(300, Math.ceil(2 * ((BLOCK * METRES_PER_PIXEL) / CHUNK + 2) * (BLOCK / UP / CHUNK + 2)));
const DISTRICTS_KEPT = TERRAIN ? 48 : 24; // 1 MB each, without their chunks
const PLOTS_KEPT = 64;

/** Metres that a building may reach out of its district; a wider one may be cut where a frame does not see its middle. */
const REACH = 200;

/** How far from a block something may stand that is seen or casts its shadow there. */
const SIGHT = HIGHEST * (BEHIND + Math.max(...SHEAR.map(Math.abs))) + 16;

/** What a rectangle needs: the tiles of its districts, and their grounds where they are not level. */
interface Loaded { tiles: ReadonlyMap<string, Tile>; reliefs: ReadonlyMap<string, Relief> }
const NO_RELIEFS: Loaded["reliefs"] = new Map();

export class World implements Scenery {
  readonly bounds: Box; // in world pixels
  heights: readonly [lowest: number, highest: number] = [0, HIGHEST]; // of the block
  private readonly outline: Ring;
  private readonly horizon: Horizon | null;
  private readonly land: Land;
  private readonly plots = new Map<string, Plot>();
  private readonly districts = new Map<string, District>();
  private here: { districts: District[]; plots: Plot[]; base: Object3D } = { districts: [], plots: [], base: edgeGround };
  private clock = 0;

  constructor(private readonly supply: Supply) {
    const [x0, y0, x1, y1] = supply.bounds;
    this.outline = [...toView(x0, y0), ...toView(x1, y0), ...toView(x1, y1), ...toView(x0, y1)];
    this.land = new Land(supply.bounds);
    const pixels: number[] = [];
    for (let i = 0; i < this.outline.length; i += 2) {
      for (const z of TERRAIN ? [TERRAIN.lowest, TERRAIN.highest] : [0]) pixels.push(...toPixel(this.outline[i], this.outline[i + 1], z));
    }
    this.bounds = boxOf(pixels).map(Math.round) as Box;
    const elevation = supply.terrainZoom === null ? null : new Elevation(supply.terrainZoom, supply.bounds);
    this.horizon = elevation && new Horizon(elevation, REACH, (i, j) => this.has(i, j));
  }

  get shaded(): readonly [lowest: number, highest: number] {
    return this.heights;
  }

  /** Loads all that a rectangle of world pixels needs; what could not be loaded is returned, and then it cannot be drawn. */
  async load(x: number, y: number, width: number, height: number): Promise<{ tiles: Loaded; failed: Failure[] }> {
    const seen = blocks(x, y, width, height);
    const { reliefs, failed } = (await this.horizon?.load(each(seen).map(groundUnder))) ?? { reliefs: NO_RELIEFS, failed: [] };
    if (failed.length) return { tiles: { tiles: new Map(), reliefs }, failed };
    const wanted = new Map<string, [number, number]>();
    for (const [i, j] of this.around(seen)) {
      for (const [column, row] of this.tilesOf(i, j)) for (const tile of this.supply.around(column, row)) wanted.set(keyOf(...tile), tile);
    }
    const loaded = await this.supply.load([...wanted.values()]);
    return { tiles: { tiles: loaded.tiles, reliefs }, failed: loaded.failed };
  }

  /** Lays out what a rectangle of world pixels needs, from the tiles that were loaded for it. */
  layOut(x: number, y: number, width: number, height: number, { tiles, reliefs }: Loaded): void {
    for (const [i, j] of this.around(blocks(x, y, width, height))) {
      const key = keyOf(i, j);
      let district = this.districts.get(key);
      if (!district) {
        const plots = this.tilesOf(i, j).map(([column, row]) => this.plot(column, row, tiles));
        district = new District(i, j, plots, this.outline, this.horizon && reliefs.get(key)!);
        this.districts.set(key, district);
      }
      district.used = ++this.clock;
    }
  }

  private plot(column: number, row: number, tiles: ReadonlyMap<string, Tile>): Plot {
    const key = keyOf(column, row);
    let plot = this.plots.get(key);
    if (!plot) {
      plot = new Plot(tiles.get(key)!, this.supply.around(column, row).map((tile) => tiles.get(keyOf(...tile))!.features));
      this.plots.set(key, plot);
    }
    return plot;
  }

  /** Turns to a block that was laid out: from here on everything is asked for it. */
  enter(bx: number, by: number): void {
    const ground = groundUnder([bx, by, bx + 1, by + 1]);
    const districts = this.around([bx, by, bx + 1, by + 1]).map(([i, j]) => this.districts.get(keyOf(i, j))!);
    const plots = new Set<Plot>();
    for (const { i, j } of districts) for (const tile of this.tilesOf(i, j)) plots.add(this.plots.get(keyOf(...tile))!);
    const [x0, y0, x1, y1] = grown(ground, 1);
    const inside = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].every(([x, y]) => insideConvex(this.outline, x, y));
    this.here = { districts, plots: [...plots], base: this.horizon ? paperGround : inside ? wildGround : edgeGround };
    if (this.horizon) this.heights = spanOf(ground, districts.map((district) => [district.ground, district.relief!]));
    const [low, high] = this.horizon ? this.heights : [0, 0];
    this.land.use(bx, by, [ground[0], ground[1] - high * BEHIND, ground[2], ground[3] - low * BEHIND], districts);
  }

  /** Every chunk whose contents can touch a rectangle of the block, in a fixed order. */
  inPixels(box: Box): Chunk[] {
    return this.found((chunk) => overlaps(chunk.pixels(), box));
  }

  /** Every chunk whose shadows can touch a box of sheared ground (shadow.ts). */
  inShadow(box: Box): Chunk[] {
    return this.found((chunk) => overlaps(chunk.sheared(), box));
  }

  /** What belongs to no chunk: the areas, and the ground under everything. */
  everywhere(): Object3D[] {
    // Ground that is not level lies in chunks.
    const areas = this.horizon ? [] : this.here.plots.flatMap((plot) => plot.ground() ?? []);
    return [...areas, this.here.base];
  }

  private found(test: (chunk: Chunk) => boolean): Chunk[] {
    const found = this.here.districts.flatMap((district) => district.chunks as Chunk[]).filter(test);
    for (const chunk of found) chunk.used = ++this.clock;
    return found.sort((a, b) => a.cy - b.cy || a.cx - b.cx);
  }

  /** Frees what was not used for longest; it is made again, the same, when it is needed again. */
  trim(): void {
    for (const dropped of oldest([...this.districts.values()].flatMap((district) => district.chunks).filter((chunk) => chunk.isBuilt), CHUNKS_KEPT)) dropped.drop();
    for (const district of oldest([...this.districts.values()], DISTRICTS_KEPT)) {
      district.drop();
      this.districts.delete(keyOf(district.i, district.j));
    }
    if (this.plots.size > PLOTS_KEPT) {
      // A district that is kept needs its plots at hand.
      const needed = new Set([...this.districts.values()].flatMap(({ i, j }) => this.tilesOf(i, j).map((tile) => keyOf(...tile))));
      for (const [key, plot] of this.plots) {
        if (needed.has(key)) continue;
        plot.drop();
        this.plots.delete(key);
      }
    }
  }

  /** The districts that a range of blocks [bx0, by0, bx1, by1] needs, as far as there is data, in a fixed order. */
  private around(seen: Box): [i: number, j: number][] {
    const { horizon } = this;
    if (horizon) return [...new Map(each(seen).flatMap((block) => horizon.districts(groundUnder(block))).map((place) => [keyOf(...place), place])).values()];
    const [x0, y0, x1, y1] = grown(groundUnder(seen), SIGHT + REACH);
    const found: [number, number][] = [];
    for (let j = Math.floor(y0 / DISTRICT); j <= Math.floor(y1 / DISTRICT); j++) {
      for (let i = Math.floor(x0 / DISTRICT); i <= Math.floor(x1 / DISTRICT); i++) if (this.has(i, j)) found.push([i, j]);
    }
    return found;
  }

  /** Whether there is data in a district. */
  private has(i: number, j: number): boolean {
    return overlaps(groundOf(i, j), boxOf(this.outline));
  }

  /** The source tiles that district (i, j) is made from. */
  private tilesOf(i: number, j: number): [column: number, row: number][] {
    const [x0, y0, x1, y1] = grown(groundOf(i, j), MARGIN);
    return this.supply.under(boxOf([...fromView(x0, y0), ...fromView(x1, y0), ...fromView(x1, y1), ...fromView(x0, y1)]));
  }
}

/** The blocks under a rectangle of world pixels, [bx0, by0, bx1, by1], the last ones not included. */
function blocks(x: number, y: number, width: number, height: number): Box {
  return [Math.floor(x / BLOCK), Math.floor(y / BLOCK), Math.ceil((x + width) / BLOCK), Math.ceil((y + height) / BLOCK)];
}

/** Each block of a range of blocks, as a range. */
function each([bx0, by0, bx1, by1]: Box): Box[] {
  const found: Box[] = [];
  for (let by = by0; by < by1; by++) for (let bx = bx0; bx < bx1; bx++) found.push([bx, by, bx + 1, by + 1]);
  return found;
}

/** The ground at height 0 under a range of blocks. */
function groundUnder([bx0, by0, bx1, by1]: Box): Box {
  return [bx0 * BLOCK * METRES_PER_PIXEL, (-by1 * BLOCK) / UP, bx1 * BLOCK * METRES_PER_PIXEL, (-by0 * BLOCK) / UP];
}

/** Those used longest ago, all but the so many that are kept. */
function oldest<T extends { used: number }>(things: T[], kept: number): T[] {
  return things.length <= kept ? [] : things.sort((a, b) => a.used - b.used).slice(0, things.length - kept);
}
