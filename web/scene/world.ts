// The city in chunks: what stands where, found again by the pixels or the shadows that it can touch.

import type { Object3D } from "three";
import { buildChunk, type Contents } from "./build";
import { toPixel } from "./camera";
import { boxOf, type City } from "./city";
import { CHUNK, Chunk, overlaps, Stage, still, type Box, type Built } from "./chunk";
import { Grain, setLand } from "./garden";
import { areaMask, insideConvex, layAreas } from "./ground";
import { lotCars } from "./lot";
import { Mask, On, type Field } from "./mask";
import { groundProgram, Solid } from "./solid";
import { KERB_WIDTH, layMarks, linksOf, PAVEMENT_WIDTH, carsOf, streetTreesOf } from "./street";

const KEPT = 700; // built chunks; a frame needs about 60

export class World {
  private readonly chunks = new Map<string, Chunk<Contents>>();
  private readonly areas: Object3D[] = [];
  private readonly mask: Mask;
  private readonly grain: Grain;
  private readonly settled: Field;
  private readonly beyond = new Set<string>(); // keys of chunks outside the data, made because a frame showed their ground
  private clock = 0;
  readonly features: number;
  readonly bounds: Box;

  constructor(private readonly city: City, private readonly flat = false) {
    const links = linksOf(city.roads);
    this.features = city.buildings.length + city.areas.length + city.roads.length;
    this.mask = new Mask(city.outline);
    this.grain = new Grain(links, CHUNK);
    // Every square of the data has its chunk from the start, so what a frame finds never depends on the frames before.
    const extent = boxOf(city.outline);
    for (let x = extent[0]; x < extent[2] + CHUNK; x += CHUNK) for (let y = extent[1]; y < extent[3] + CHUNK; y += CHUNK) this.at(x, y);
    for (const building of city.buildings) {
      this.mask.fill(building.rings, On.building);
      const box = boxOf(building.rings[0]);
      const chunk = this.at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
      chunk.content.buildings.push(building);
      chunk.reach(box, Math.max(building.height, 9) + 7);
    }
    for (const link of links) {
      for (let i = 0; i + 1 < link.points.length; i++) {
        const [a, b] = [link.points[i], link.points[i + 1]];
        const chunk = this.at((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
        chunk.content.segments.push([link, i]);
        const street = link.kind === "street";
        if (street) {
          this.mask.stroke(a[0], a[1], b[0], b[1], link.half + KERB_WIDTH + PAVEMENT_WIDTH, link.half > 5 ? On.street | On.wide : On.street);
          this.mask.stroke(a[0], a[1], b[0], b[1], link.half + KERB_WIDTH, On.asphalt);
        } else this.mask.stroke(a[0], a[1], b[0], b[1], link.half + 0.6, On.path);
        const wide = link.half + 4;
        chunk.reach([Math.min(a[0], b[0]) - wide, Math.min(a[1], b[1]) - wide, Math.max(a[0], b[0]) + wide, Math.max(a[1], b[1]) + wide], 0);
      }
      layMarks(link, (x, y) => this.at(x, y).content.marks);
      for (const stop of carsOf(link)) this.at(stop.x, stop.y).content.cars.push(stop);
      for (const stop of streetTreesOf(link)) this.at(stop.x, stop.y).content.trees.push(stop);
    }
    for (const { kind, rings } of city.areas) {
      const flag = areaMask(kind);
      if (flag) this.mask.fill(rings, flag);
    }
    for (const area of city.areas) {
      for (const stop of lotCars(area, this.mask)) this.at(stop.x, stop.y).content.cars.push(stop);
    }
    this.settled = this.mask.built(8, 1, 3);
    setLand(city.bounds, this.mask.built(2, 1.25, 1));
    const areas = new Solid();
    layAreas(areas, city.areas);
    const geometry = areas.mesh.geometry();
    if (geometry && !flat) {
      this.areas.push(still(geometry, groundProgram, Stage.area));
    }
    const outline: number[] = [];
    for (let i = 0; i < city.outline.length; i += 2) outline.push(...toPixel(city.outline[i], city.outline[i + 1], 0));
    this.bounds = boxOf(outline).map(Math.round) as Box;
  }

  /** The chunk that a point of the ground lies in. */
  private at(x: number, y: number): Chunk<Contents> {
    return this.chunk(Math.floor(x / CHUNK), Math.floor(y / CHUNK));
  }

  private chunk(cx: number, cy: number): Chunk<Contents> {
    const key = `${cx},${cy}`;
    let chunk = this.chunks.get(key);
    if (!chunk) {
      const fresh: Chunk<Contents> = new Chunk<Contents>(cx, cy, { buildings: [], segments: [], marks: new Solid(), cars: [], trees: [] }, () => this.build(fresh));
      chunk = fresh;
      this.chunks.set(key, chunk);
    }
    return chunk;
  }

  /** Every chunk whose contents can touch a rectangle of world pixels, in a fixed order. */
  inPixels(box: Box): Chunk<Contents>[] {
    return this.found((chunk) => overlaps(chunk.pixels(), box));
  }

  /** Every chunk whose shadows can touch a box of sheared ground (shadow.ts). */
  inShadow(box: Box): Chunk<Contents>[] {
    return this.found((chunk) => overlaps(chunk.sheared(), box));
  }

  /** What belongs to no chunk. */
  everywhere(): Object3D[] {
    return this.areas;
  }

  private found(test: (chunk: Chunk<Contents>) => boolean): Chunk<Contents>[] {
    const found = [...this.chunks.values()].filter(test);
    for (const chunk of found) chunk.used = ++this.clock;
    return found.sort((a, b) => a.cy - b.cy || a.cx - b.cx);
  }

  /** Frees the chunks that were not used for longest, and forgets those beyond the data. */
  trim(): void {
    if (this.beyond.size > KEPT) {
      for (const key of this.beyond) {
        this.chunks.get(key)?.drop();
        this.chunks.delete(key);
      }
      this.beyond.clear();
    }
    const built = [...this.chunks.values()].filter((chunk) => chunk.isBuilt);
    if (built.length <= KEPT) return;
    built.sort((a, b) => a.used - b.used);
    for (const chunk of built.slice(0, built.length - KEPT)) chunk.drop();
  }

  private build({ cx, cy, content }: Chunk<Contents>): Built {
    const within = (x: number, y: number) => insideConvex(this.city.outline, x, y);
    return buildChunk(cx, cy, content, { mask: this.mask, settled: this.settled, angle: this.grain.angle(cx, cy), within }, this.flat);
  }

  /** Makes sure that every square of ground under a rectangle of world pixels has a chunk, also beyond the data. */
  cover(box: Box, toGround: (px: number, py: number) => [number, number]): void {
    const [x0, y1] = toGround(box[0], box[1]);
    const [x1, y0] = toGround(box[2], box[3]);
    for (let cy = Math.floor(y0 / CHUNK); cy <= Math.floor(y1 / CHUNK); cy++) {
      for (let cx = Math.floor(x0 / CHUNK); cx <= Math.floor(x1 / CHUNK); cx++) {
        const key = `${cx},${cy}`;
        if (this.chunks.has(key)) continue;
        this.beyond.add(key);
        this.chunk(cx, cy);
      }
    }
  }
}
