// The same footprints as flat boxes on bare ground: what the bench holds the drawing of the city against (`?flat`).

import type { Building } from "./city";
import { Stage, type Built } from "./chunk";
import { buildingId, Material } from "./material";
import { hashPlace } from "./hash";
import { FLAT_ROOFS, LAWN } from "./palette";
import { program } from "./program";
import { Shade } from "./shade";
import { Solid } from "./solid";
import { LAYER } from "./street";

/** Whether the page was asked for boxes. */
export const FLAT = new URLSearchParams(location.search).has("flat");

/** Builds a chunk of boxes, one colour each, in sun and shadow, on a square of ground. */
export function flatChunk(buildings: readonly Building[], x0: number, y0: number, x1: number, y1: number): Built {
  const [boxes, ground, shade] = [new Solid(), new Solid(), new Shade()];
  for (const { rings, height } of buildings) {
    const seed = hashPlace(rings[0][0], rings[0][1], 1);
    const finish = { colour: FLAT_ROOFS[seed % FLAT_ROOFS.length], id: buildingId(seed), material: Material.wall };
    boxes.level(rings, height, finish);
    rings.forEach((ring, r) => {
      for (let i = 0; i < ring.length; i += 2) {
        const [a, b] = r ? [(i + 2) % ring.length, i] : [i, (i + 2) % ring.length];
        boxes.wall(ring[a], ring[a + 1], ring[b], ring[b + 1], 0, height, finish);
      }
    });
    shade.prism(rings, 0, height);
  }
  ground.level([[x0, y0, x1, y0, x1, y1, x0, y1]], LAYER.area, { colour: LAWN, id: Material.green, material: Material.green });
  const parts: Built["parts"] = [[ground.mesh.geometry()!, flatProgram, Stage.area]];
  const walls = boxes.mesh.geometry();
  if (walls) parts.push([walls, flatProgram, Stage.wall]);
  return { parts, casters: shade.geometry() };
}

const flatProgram = program(
  /* glsl */ `
in vec3 position;
in uint paint, tag, facing;
out vec3 place;
flat out vec3 colour, normal;
flat out uint object;
void main() {
  place = position;
  colour = bytes(paint).rgb / 255.0;
  object = tag;
  normal = (bytes(facing).xyz - 128.0) / 127.0;
  gl_Position = project(position);
}`,
  /* glsl */ `
in vec3 place;
flat in vec3 colour, normal;
flat in uint object;
void main() {
  plane(colour * light(normal, dot(normal, SUN) > 0.0 ? sunlight(place + normal * 0.12, 0.30) : 0.0), object);
}`,
);
