// Cars, vans and buses: a body and a cabin each.

import { BufferAttribute, InstancedBufferAttribute, InstancedBufferGeometry } from "three";
import { OF_Y, OF_Z } from "./camera";
import { Dice } from "./hash";
import { carId, Material } from "./material";
import { pack, packColour } from "./mesh";
import { CARS, colour, type Colour } from "./palette";
import { program } from "./program";
import type { Shade } from "./shade";
import type { Stop } from "./street";

// One car of 1 x 1 x 1, its length along x: corners with what they belong to (0 body, 1 glass, 2 cabin roof).
const positions: number[] = [];
const normals: number[] = [];
const parts: number[] = [];
const corners: number[] = [];

function box(x0: number, x1: number, half: number, z0: number, z1: number, taper: number, side: number, top: number): void {
  const face = (points: number[][], normal: number[], part: number) => {
    const first = positions.length / 3;
    for (const point of points) { positions.push(...point); normals.push(...normal); parts.push(part); }
    corners.push(first, first + 1, first + 2, first, first + 2, first + 3);
  };
  const [a, b, h] = [x0 + taper, x1 - taper, half - taper * 0.3];
  face([[a, -h, z1], [b, -h, z1], [b, h, z1], [a, h, z1]], [0, 0, 1], top);
  face([[x0, -half, z0], [x1, -half, z0], [b, -h, z1], [a, -h, z1]], [0, -1, 0], side);
  face([[x0, half, z0], [x1, half, z0], [b, h, z1], [a, h, z1]], [0, 1, 0], side);
  face([[x0, -half, z0], [x0, half, z0], [a, h, z1], [a, -h, z1]], [-1, 0, 0], side);
  face([[x1, -half, z0], [x1, half, z0], [b, h, z1], [b, -h, z1]], [1, 0, 0], side);
}
box(-0.5, 0.5, 0.5, 0.12, 0.6, 0, 0, 0);
box(-0.38, 0.24, 0.46, 0.6, 1, 0.07, 1, 2);

const SIZES = { car: [4.5, 1.9, 1.5], van: [5.2, 2.1, 2.2], bus: [10.5, 2.6, 3.0] } as const;
const BUSES: Colour[] = [colour("#d9682c"), colour("#b8322c"), colour("#d8d8d6")];

/** The cars of one chunk. */
export class Cars {
  private readonly places: number[] = [];
  private readonly sizes: number[] = [];
  private readonly paints: number[] = [];
  private readonly tags: number[] = [];

  /** Puts a car where a street has a place for one. */
  park(shadow: Shade, { x, y, ux, uy, seed }: Stop): void {
    const dice = new Dice(seed);
    const roll = dice.roll();
    const [length, width, height] = SIZES[roll < 0.02 ? "bus" : roll < 0.1 ? "van" : "car"];
    const id = carId(seed);
    this.places.push(x, y, ux, uy);
    this.sizes.push(length, width, height);
    this.paints.push(packColour(dice.pick(roll < 0.02 ? BUSES : CARS), 0));
    this.tags.push(pack(id >> 8, id & 255, Material.car, 0));
    const at = (s: number, t: number) => [x + ux * s * length - uy * t * width, y + uy * s * length + ux * t * width, height * 0.6] as const;
    shadow.face([at(-0.5, -0.5), at(0.5, -0.5), at(0.5, 0.5), at(-0.5, 0.5)]);
  }

  /** Hands the cars over as instances, or null when there are none. */
  geometry(): InstancedBufferGeometry | null {
    if (!this.places.length) return null;
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
    geometry.setAttribute("facing", new BufferAttribute(new Float32Array(normals), 3));
    geometry.setAttribute("part", new BufferAttribute(new Float32Array(parts), 1));
    geometry.setIndex(corners);
    geometry.setAttribute("spot", new InstancedBufferAttribute(new Float32Array(this.places), 4));
    geometry.setAttribute("size", new InstancedBufferAttribute(new Float32Array(this.sizes), 3));
    geometry.setAttribute("paint", new InstancedBufferAttribute(new Uint32Array(this.paints), 1));
    geometry.setAttribute("tag", new InstancedBufferAttribute(new Uint32Array(this.tags), 1));
    geometry.instanceCount = this.paints.length;
    return geometry;
  }
}

/** Draws cars. */
export const carProgram = program(
  /* glsl */ `
in vec3 position, facing;
in float part;
in vec4 spot;
in vec3 size;
in uint paint, tag;
out vec3 place;
flat out vec4 colour, object;
flat out vec3 normal;
void main() {
  vec3 p = position * size;
  place = vec3(spot.xy + spot.zw * p.x + vec2(-spot.w, spot.z) * p.y, p.z);
  normal = vec3(spot.zw * facing.x + vec2(-spot.w, spot.z) * facing.y, facing.z);
  colour = vec4(bytes(paint).rgb / 255.0, part);
  object = bytes(tag);
  // The far sides are hidden by the near ones, but software WebGL would shade them all the same.
  gl_Position = normal.z * ${OF_Z.toFixed(8)} > normal.y * ${OF_Y.toFixed(8)} ? project(place) : vec4(2.0, 2.0, 2.0, 1.0);
}`,
  /* glsl */ `
in vec3 place;
flat in vec4 colour, object;
flat in vec3 normal;
void main() {
  vec3 c = colour.rgb;
  if (colour.a > 1.5) c *= 1.08;
  else if (colour.a > 0.5) c = vec3(0.20, 0.24, 0.30);
  float sun = dot(normal, SUN) > 0.0 ? sunlight(place, 1.4) : 0.0;
  plane(c * light(normal, sun), object, place);
}`,
);
