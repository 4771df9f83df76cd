// A district: a fixed square of ground, 600 m wide, in chunks. What stands in it depends on the plots that touch it and
// a margin around it, and on nothing that was loaded or drawn before.

import { buildChunk, type Contents } from "./build";
import { CHUNK, Chunk, overlaps, type Box, type Built } from "./chunk";
import { boxOf, type Building, type Ring } from "./city";
import { Grain } from "./garden";
import { Draped, type Sheet } from "./drape";
import { areaMask, insideConvex } from "./ground";
import { lotCars } from "./lot";
import { Mask, On, type Field } from "./mask";
import type { Boxed, Plot } from "./plot";
import { NEAR_STEP } from "./program";
import type { Relief } from "./relief";
import { Solid } from "./solid";
import { carsOf, KERB_WIDTH, layMarks, PAVEMENT_WIDTH, streetTreesOf, type Link } from "./street";

const CHUNKS = 8; // along each side
export const DISTRICT = CHUNKS * CHUNK; // metres

/** Metres around a district that what stands in it follows from: three chunks, which a garden's angle looks at. */
export const MARGIN = 3 * CHUNK;

/** Metres around a district in which it knows what lies on the ground: buildings that begin in it look out of their walls. */
const KNOWN = 120;

/** Metres beside a street's axis within which it sets its marks, cars and trees. */
const BESIDE = 20;

/** Squares of a field start at these metres, counted from the origin, in steps of their own. */
const LATTICE = 3;
const COARSE = 8;

export class District {
  readonly chunks: Chunk<Contents>[] = [];
  readonly near: Field; // how close houses are
  readonly settled: Field; // where people live
  readonly ground: Box;
  used = 0;
  private readonly mask: Mask;
  private readonly grain: Grain;
  private readonly sheets: readonly Sheet[];
  private readonly within = (x: number, y: number): boolean => insideConvex(this.outline, x, y);

  /** District (i, j), made from the plots that touch its margin, in a fixed order; trees grow only within the outline. */
  constructor(readonly i: number, readonly j: number, plots: readonly Plot[], private readonly outline: Ring, readonly relief: Relief | null) {
    const ground: Box = groundOf(i, j);
    this.ground = ground;
    const known: Box = [down(ground[0] - KNOWN), down(ground[1] - KNOWN), down(ground[2] + KNOWN), down(ground[3] + KNOWN)];
    this.mask = new Mask(known);
    this.sheets = relief ? plots.flatMap((plot) => plot.sheets()).filter(({ box }) => overlaps(box, ground)) : [];
    for (let cy = j * CHUNKS; cy < (j + 1) * CHUNKS; cy++) {
      for (let cx = i * CHUNKS; cx < (i + 1) * CHUNKS; cx++) this.chunks.push(this.chunk(cx, cy));
    }
    const links = plots.flatMap((plot) => plot.links).filter(({ box }) => overlaps(box, grown(ground, MARGIN)));
    this.grain = new Grain(links.map(({ thing }) => thing), CHUNK);
    for (const { thing, box } of once(plots.map((plot) => plot.buildings))) if (overlaps(box, known)) this.add(thing, box);
    for (const { thing, box } of links) if (overlaps(box, known)) this.lead(thing, overlaps(box, grown(ground, BESIDE)));
    const areas = plots.flatMap((plot) => plot.areas).filter(({ box }) => overlaps(box, known));
    for (const { thing: { kind, rings } } of areas) {
      const flag = areaMask(kind);
      if (flag) this.mask.fill(rings, flag);
    }
    for (const { thing } of once([areas])) {
      if (overlaps(boxOf((thing.whole ?? thing.rings)[0]), ground)) for (const stop of lotCars(thing, this.mask)) this.at(stop.x, stop.y)?.content.cars.push(stop);
    }
    this.settled = this.mask.built(COARSE, 1, 3);
    this.near = this.mask.built(NEAR_STEP, 1.25, 1, KNOWN - 2 * COARSE);
  }

  /** Frees the geometry of every chunk. */
  drop(): void {
    for (const chunk of this.chunks) chunk.drop();
  }

  private add(building: Building, box: Box): void {
    this.mask.fill(building.rings, On.building);
    const chunk = this.at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
    if (!chunk) return;
    chunk.content.buildings.push(building);
    chunk.reach(box, Math.max(building.height, 9) + 7);
  }

  /** Leads a street over the ground; its furniture is set only where it comes near. */
  private lead(link: Link, comesNear: boolean): void {
    for (let i = 0; i + 1 < link.points.length; i++) {
      const [a, b] = [link.points[i], link.points[i + 1]];
      if (link.kind === "street") {
        this.mask.stroke(a[0], a[1], b[0], b[1], link.half + KERB_WIDTH + PAVEMENT_WIDTH, link.half > 5 ? On.street | On.wide : On.street);
        this.mask.stroke(a[0], a[1], b[0], b[1], link.half + KERB_WIDTH, On.asphalt);
      } else this.mask.stroke(a[0], a[1], b[0], b[1], link.half + 0.6, On.path);
      const wide = link.half + 4;
      const box: Box = [Math.min(a[0], b[0]) - wide, Math.min(a[1], b[1]) - wide, Math.max(a[0], b[0]) + wide, Math.max(a[1], b[1]) + wide];
      if (this.relief) {
        // On slopes every chunk lays what lies on its own ground, whose heights it knows.
        for (const { content, square } of this.chunks) if (overlaps(square, box)) content.segments.push([link, i]);
        continue;
      }
      const chunk = this.at((a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      if (!chunk) continue;
      chunk.content.segments.push([link, i]);
      chunk.reach(box, 0);
    }
    if (!comesNear) return;
    const elsewhere = new Solid();
    layMarks(link, (x, y) => this.at(x, y)?.content.marks ?? elsewhere);
    for (const stop of carsOf(link)) this.at(stop.x, stop.y)?.content.cars.push(stop);
    for (const stop of streetTreesOf(link)) this.at(stop.x, stop.y)?.content.trees.push(stop);
  }

  /** The chunk that a point of the ground lies in, if it is one of this district. */
  private at(x: number, y: number): Chunk<Contents> | undefined {
    const [column, row] = [Math.floor(x / CHUNK) - this.i * CHUNKS, Math.floor(y / CHUNK) - this.j * CHUNKS];
    return column < 0 || row < 0 || column >= CHUNKS || row >= CHUNKS ? undefined : this.chunks[row * CHUNKS + column];
  }

  private chunk(cx: number, cy: number): Chunk<Contents> {
    const content: Contents = { buildings: [], segments: [], marks: this.relief ? new Draped(this.relief) : new Solid(), cars: [], trees: [] };
    const chunk: Chunk<Contents> = new Chunk<Contents>(cx, cy, content, this.relief, () => this.build(chunk));
    return chunk;
  }

  private build({ cx, cy, content }: Chunk<Contents>): Built {
    const { mask, settled, within, outline, relief } = this;
    return buildChunk(cx, cy, content, { mask, settled, angle: this.grain.angle(cx, cy), within, land: relief && { relief, outline, sheets: this.sheets } });
  }
}

/** The ground of district (i, j). */
export function groundOf(i: number, j: number): Box {
  return [i * DISTRICT, j * DISTRICT, (i + 1) * DISTRICT, (j + 1) * DISTRICT];
}

/** A box with so many metres more on every side. */
export function grown([x0, y0, x1, y1]: Box, metres: number): Box {
  return [x0 - metres, y0 - metres, x1 + metres, y1 + metres];
}

/** All of several lists, in order; what some of them share only where it comes first. */
function once<T>(lists: readonly (readonly Boxed<T>[])[]): Boxed<T>[] {
  const seen = new Set<string>();
  return lists.flat().filter(({ key }) => key === undefined || (!seen.has(key) && seen.add(key)));
}

/** The last metre at or before this one where squares of every field start. */
function down(metres: number): number {
  return Math.floor((metres - LATTICE) / COARSE) * COARSE + LATTICE;
}
