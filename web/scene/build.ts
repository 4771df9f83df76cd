// A chunk's geometry, from what stands in it and what is known about the ground around it.

import type { BufferGeometry, RawShaderMaterial } from "three";
import { clear, planOf } from "./building";
import { park } from "./car";
import { CHUNK, overlaps, Stage, type Box, type Built } from "./chunk";
import type { Building, Ring } from "./city";
import { Draped, drapedProgram, type Sheet } from "./drape";
import { Facade, raiseWalls } from "./facade";
import { FLAT, flatChunk } from "./flat";
import { layPlots } from "./garden";
import { On, type Field, type Mask } from "./mask";
import { inside, partsOf } from "./mass";
import { Material } from "./material";
import type { Relief } from "./relief";
import { flatRoof, pitchedRoof } from "./roof";
import { Shade } from "./shade";
import { groundProgram, Pattern, Solid, solidProgram, type Finish } from "./solid";
import { Sprites, spriteProgram } from "./sprite";
import { laySegment, type Link, type Stop } from "./street";
import { plantGround, plantStreet } from "./tree";

export interface Contents {
  buildings: Building[];
  segments: [Link, number][];
  marks: Solid;
  cars: Stop[];
  trees: Stop[];
}

/** What a chunk needs to know about its surroundings: what lies on the ground, where people live, how the streets run. */
export interface Surroundings { mask: Mask; settled: Field; angle: number; within: (x: number, y: number) => boolean; land: Land | null }

/** Ground that is not level: its relief, where the data ends, and the areas on it. */
export interface Land { relief: Relief; outline: Ring; sheets: readonly Sheet[] }

/** Builds chunk (cx, cy). */
export function buildChunk(cx: number, cy: number, content: Contents, { mask, settled, angle, within, land }: Surroundings): Built {
  const [x0, y0, x1, y1] = [cx * CHUNK, cy * CHUNK, (cx + 1) * CHUNK, (cy + 1) * CHUNK];
  if (FLAT) return flatChunk(content.buildings, x0, y0, x1, y1);
  const square: Box = [x0, y0, x1, y1];
  const relief = land?.relief ?? null;
  const draped = relief && new Draped(relief, square);
  const [solid, ground, shade, facade, sprites] = [new Solid(), draped ?? new Solid(), new Shade(), new Facade(), new Sprites()];
  const stand = (high: number) => { solid.lift = shade.lift = facade.lift = high; };
  // The nearer ones first, since they hide the others.
  for (const building of [...content.buildings].sort((a, b) => a.rings[0][1] - b.rings[0][1])) {
    const plan = planOf(building, mask);
    if (relief) {
      const [low, high] = relief.under(plan.rings, inside);
      clear(plan, high - low);
      stand(low);
    }
    for (const part of partsOf(plan)) {
      const top = part.pitched === "no" ? flatRoof(solid, shade, part) : pitchedRoof(solid, shade, part);
      raiseWalls(facade, solid, part, top, relief);
    }
  }
  stand(0);
  for (const stop of content.cars) {
    // Where the kerb should be there is the other carriageway, or a crossing street: nobody parks there.
    if (!stop.beside || !(mask.at(...stop.beside) & On.asphalt)) park(sprites, shade, stop, relief);
  }
  for (const { x, y, seed } of content.trees) {
    // A crossing street's asphalt, or a house built up to the street, leaves no room.
    if (!(mask.at(x, y) & (On.asphalt | On.building))) plantStreet(sprites, shade, x, y, seed, relief);
  }
  plantGround(sprites, shade, mask, settled, x0, y0, x1, y1, within, relief);
  // One mesh, from top to bottom: every mesh costs a call, and what lies hidden is not shaded when it comes later.
  ground.mesh.append(content.marks.mesh);
  for (const [link, i] of content.segments) laySegment(ground, link, i, within);
  layPlots(ground, mask, settled, x0, y0, x1, y1, angle, within);
  if (land && draped) layLand(draped, shade, land, square);
  const parts: Built["parts"] = [];
  const add = (stage: number, geometry: BufferGeometry | null, program: RawShaderMaterial) => geometry && parts.push([geometry, program, stage]);
  for (const [geometry, program] of facade.parts()) add(Stage.wall, geometry, program);
  add(Stage.roof, solid.mesh.geometry(), solidProgram);
  add(Stage.sprite, sprites.mesh.geometry(), spriteProgram);
  add(Stage.street, ground.mesh.geometry(), draped ? drapedProgram : groundProgram);
  return { parts, casters: shade.geometry() };
}

/** Ground where nobody lives: wild grass (garden.ts). */
const WILD: Finish = { colour: [133, 158, 84], id: Material.green, material: Material.green, pattern: Pattern.wild };

/** Lays the areas and the bare ground of a square, and lets what is too steep for the sun cast its shadow. */
function layLand(ground: Draped, shade: Shade, { relief, outline, sheets }: Land, square: Box): void {
  for (const { ring, box, over, finish } of sheets) if (overlaps(box, square)) ground.lay(ring, over, finish);
  ground.lay(outline, 0, WILD);
  relief.steep(square, (corners) => shade.face(corners));
}
