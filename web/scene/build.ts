// A chunk's geometry, from what stands in it and what is known about the ground around it.

import type { BufferGeometry, RawShaderMaterial } from "three";
import { planOf } from "./building";
import { park } from "./car";
import { CHUNK, Stage, type Built } from "./chunk";
import type { Building } from "./city";
import { Facade, raiseWalls } from "./facade";
import { FLAT, flatChunk } from "./flat";
import { layPlots } from "./garden";
import { On, type Field, type Mask } from "./mask";
import { partsOf } from "./mass";
import { flatRoof, pitchedRoof } from "./roof";
import { Shade } from "./shade";
import { groundProgram, Solid, solidProgram } from "./solid";
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
export interface Surroundings { mask: Mask; settled: Field; angle: number; within: (x: number, y: number) => boolean }

/** Builds chunk (cx, cy). */
export function buildChunk(cx: number, cy: number, content: Contents, { mask, settled, angle, within }: Surroundings): Built {
  const [x0, y0, x1, y1] = [cx * CHUNK, cy * CHUNK, (cx + 1) * CHUNK, (cy + 1) * CHUNK];
  if (FLAT) return flatChunk(content.buildings, x0, y0, x1, y1);
  const [solid, ground, shade, facade, sprites] = [new Solid(), new Solid(), new Shade(), new Facade(), new Sprites()];
  // The nearer ones first, since they hide the others.
  for (const building of [...content.buildings].sort((a, b) => a.rings[0][1] - b.rings[0][1])) {
    for (const plan of partsOf(planOf(building, mask))) {
      const top = plan.pitched === "no" ? flatRoof(solid, shade, plan) : pitchedRoof(solid, shade, plan);
      raiseWalls(facade, solid, plan, top);
    }
  }
  for (const stop of content.cars) {
    // Where the kerb should be there is the other carriageway, or a crossing street: nobody parks there.
    if (!stop.beside || !(mask.at(...stop.beside) & On.asphalt)) park(sprites, shade, stop);
  }
  for (const { x, y, seed } of content.trees) {
    // A crossing street's asphalt, or a house built up to the street, leaves no room.
    if (!(mask.at(x, y) & (On.asphalt | On.building))) plantStreet(sprites, shade, x, y, seed);
  }
  plantGround(sprites, shade, mask, settled, x0, y0, x1, y1, within);
  // One mesh, from top to bottom: every mesh costs a call, and what lies hidden is not shaded when it comes later.
  ground.mesh.append(content.marks.mesh);
  for (const [link, i] of content.segments) laySegment(ground, link, i, within);
  layPlots(ground, mask, settled, x0, y0, x1, y1, angle, within);
  const parts: Built["parts"] = [];
  const add = (stage: number, geometry: BufferGeometry | null, program: RawShaderMaterial) => geometry && parts.push([geometry, program, stage]);
  for (const [geometry, program] of facade.parts()) add(Stage.wall, geometry, program);
  add(Stage.roof, solid.mesh.geometry(), solidProgram);
  add(Stage.sprite, sprites.mesh.geometry(), spriteProgram);
  add(Stage.street, ground.mesh.geometry(), groundProgram);
  return { parts, casters: shade.geometry() };
}
