// Plain faces: roofs, parapets, boxes, ground. One flat colour each, plus a pattern that the shader lays over it.

import earcut from "earcut";
import { Vector4 } from "three";
import type { Ring } from "./city";
import { Mesh, pack, packColour, type Layout } from "./mesh";
import { normalCode } from "./material";
import type { Colour } from "./palette";
import { program, uniforms } from "./program";

/** What the shader lays over a plain face's colour: two grains of noise and one set of lines, all in metres. */
const PATTERNS = {
  //        fine: size x, y, strength   coarse: size x, y, strength, on the ground only   lines per metre in x, y, z, share, brightness
  none: [[1, 1, 0], [1, 1, 0], [0, 0, 0, 0, 1]],
  gravel: [[3.6, 3.6, 0.07], [1, 1, 0], [0, 0, 0, 0, 1]],
  sheets: [[4.3, 4.3, 0.06], [1, 1, 0], [0, 0.42, 0, 0.14, 0.92]],
  courses: [[1.3, 1.3, 0.08], [1, 1, 0], [0, 0, 1.6, 0.36, 0.87]],
  planks: [[1, 1, 0.03], [1, 1, 0], [1.4, 0.3, 0, 0.3, 0.86]],
  panel: [[1, 1, 0], [1, 1, 0], [0.9, 0.25, 0, 0.22, 1.4]],
  asphalt: [[0.8, 0.8, 0.03], [5.7, 5.7, 0.05], [0, 0, 0, 0, 1]],
  pavement: [[1.5, 1.5, 0.05], [1, 1, 0], [0, 0, 0, 0, 1]],
  grass: [[0.7, 0.7, 0.1], [3.1, 3.1, 0.13], [0, 0, 0, 0, 1]],
  wood: [[0.8, 0.8, 0.16], [3.7, 3.7, 0.14], [0, 0, 0, 0, 1]],
  water: [[2.6, 0.8, 0.12], [11, 6, 0.07], [0, 0, 0, 0, 1]],
  soil: [[0.6, 0.6, 0.16], [3.3, 3.3, 0.06], [0, 0, 0, 0, 1]],
  beds: [[0.6, 0.6, 0.14], [1, 1, 0], [0, 0.77, 0, 0.38, 0.84]],
  stripes: [[0.8, 0.8, 0.05], [1, 1, 0], [0.14, 0.07, 0, 0.5, 0.9]],
  slabs: [[1.5, 1.5, 0.05], [9, 9, 0.05], [0, 0.17, 0, 0.1, 0.93]],
} as const;

/** The number of a pattern, by its name. */
export const Pattern = Object.fromEntries(Object.keys(PATTERNS).map((name, i) => [name, i])) as Record<keyof typeof PATTERNS, number>;

export const SOLID: Layout = { floats: [["position", 3]], words: ["paint", "tag", "facing"] };

/** How a face looks, its pattern's angle in radians, and what it says in the object plane. */
export interface Finish { colour: Colour; id: number; material: number; pattern?: number; angle?: number }

/** Plain faces of one chunk. */
export class Solid {
  readonly mesh = new Mesh(SOLID);

  /** Adds a flat convex face given as [x, y, z] corners; the normal is given, since the winding is free. */
  face(corners: readonly (readonly [number, number, number])[], normal: readonly [number, number, number], finish: Finish): void {
    const words = this.words(normal, finish);
    const first = corners.map((c) => this.mesh.vertex(c, words))[0];
    for (let i = 2; i < corners.length; i++) this.mesh.triangle(first, first + i - 1, first + i);
  }

  /** Adds a level polygon with holes at height z. */
  level(rings: readonly Ring[], z: number, finish: Finish): void {
    const words = this.words([0, 0, 1], finish);
    const flat: number[] = [];
    const holes: number[] = [];
    rings.forEach((ring, i) => {
      if (i) holes.push(flat.length / 2);
      for (const value of ring) flat.push(value);
    });
    let first = -1;
    for (let i = 0; i < flat.length; i += 2) {
      const vertex = this.mesh.vertex([flat[i], flat[i + 1], z], words);
      if (i === 0) first = vertex;
    }
    const corners = earcut(flat, holes);
    for (let i = 0; i < corners.length; i += 3) this.mesh.triangle(first + corners[i], first + corners[i + 1], first + corners[i + 2]);
  }

  /** Adds the visible sides and the top of an upright box: centre, half sizes along and across its direction (ux, uy), from z0 to z1. */
  box(x: number, y: number, ux: number, uy: number, along: number, across: number, z0: number, z1: number, finish: Finish, top: Finish = finish): void {
    const corner = (a: number, b: number): [number, number] => [x + ux * along * a - uy * across * b, y + uy * along * a + ux * across * b];
    const ring = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
    this.face(ring.map(([px, py]) => [px, py, z1] as const), [0, 0, 1], top);
    for (let i = 0; i < 4; i++) {
      const [a, b] = [ring[i], ring[(i + 1) % 4]];
      this.wall(a[0], a[1], b[0], b[1], z0, z1, finish);
    }
  }

  /** Adds an upright face from a to b if it faces the camera; its outside is on the right hand of a to b. */
  wall(ax: number, ay: number, bx: number, by: number, z0: number, z1: number, finish: Finish): void {
    if (bx - ax <= 1e-4) return; // the outward normal (dy, -dx) must point towards the eye
    const length = Math.hypot(bx - ax, by - ay);
    const normal = [(by - ay) / length, -(bx - ax) / length, 0] as const;
    this.face([[ax, ay, z0], [bx, by, z0], [bx, by, z1], [ax, ay, z1]], normal, finish);
  }

  private words(normal: readonly [number, number, number], finish: Finish): [number, number, number] {
    const [nx, ny, nz] = normal;
    // The angle of the pattern's lines, 256 steps to half a turn.
    const turn = ((Math.round(((finish.angle ?? 0) / Math.PI) * 256) % 256) + 256) % 256;
    const tag = pack(finish.id >> 8, finish.id & 255, finish.material, normalCode(nx, ny, nz));
    return [packColour(finish.colour, finish.pattern ?? 0), tag, pack(nx * 127 + 128, ny * 127 + 128, nz * 127 + 128, turn)];
  }
}

// The table goes to the shader as a uniform: as a constant array it was copied for every vertex.
const COUNT = Object.keys(PATTERNS).length;
uniforms.patterns = {
  value: Object.values(PATTERNS).flatMap(([fine, coarse, lines]) => [
    new Vector4(1 / fine[0], 1 / fine[1], fine[2], lines[3]), new Vector4(1 / coarse[0], 1 / coarse[1], coarse[2], lines[4]), new Vector4(lines[0], lines[1], lines[2], 0),
  ]),
};

const VERTEX = /* glsl */ `
in vec3 position;
in uint paint, tag, facing;
uniform vec4 patterns[${COUNT * 3}];
out vec3 place;
flat out vec4 colour, object;
flat out vec3 normal, fine, coarse, lines;
flat out vec2 share;
void main() {
  place = position;
  vec4 c = bytes(paint);
  colour = vec4(c.rgb / 255.0, c.a);
  object = bytes(tag);
  vec4 f = bytes(facing);
  normal = (f.xyz - 128.0) / 127.0;
  int pattern = int(c.a + 0.5);
  vec4 a = patterns[pattern * 3], b = patterns[pattern * 3 + 1], l = patterns[pattern * 3 + 2];
  fine = a.xyz;
  coarse = b.xyz;
  share = vec2(a.w, b.w);
  // Sine and cosine of half a turn in 256 steps (Bhaskara's rule), cheaper for every vertex than the real ones.
  float square = f.w * (256.0 - f.w), sine = 16.0 * square / (327680.0 - 4.0 * square);
  vec2 turn = vec2(sign(128.0 - f.w) * sqrt(max(0.0, 1.0 - sine * sine)), sine);
  lines = vec3(l.x * turn + l.y * vec2(-turn.y, turn.x), l.z);
  gl_Position = project(position);
}`;

const fragment = (ground: boolean) => /* glsl */ `
in vec3 place;
flat in vec4 colour, object;
flat in vec3 normal, fine, coarse, lines;
flat in vec2 share;
void main() {
  vec3 c = colour.rgb;
  vec2 cell = cellGround();
  float grain = speck(cell * fine.xy);
${ground ? `
  c *= 1.0 + (grain - 0.5) * fine.z + (speck(cell * coarse.xy) - 0.5) * coarse.z;
  if (fract(dot(place, lines)) < share.x) c *= share.y;
  if (grain > 0.994 && fine.z > 0.095 && fine.z < 0.105) c = vec3(0.93, 0.86, 0.47); // flowers in the grass
  if (grain > 0.955 && fine.z > 0.115 && fine.z < 0.125) c = mix(c, vec3(0.80, 0.92, 0.98), 0.4); // glints on water
  c *= light(normal, sunlight(place, 0.30)) * (1.0 - 0.42 * nearness(cell));` : `
  c *= 1.0 + (grain - 0.5) * fine.z;
  if (fract(dot(place, lines)) < share.x) c *= share.y;
  c *= light(normal, dot(normal, SUN) > 0.0 ? sunlight(place + normal * 0.12, 0.30) : 0.0);`}
  plane(c, object, place);
}`;

/** Draws plain faces. The pattern's numbers come flat from the vertices: branching on it per pixel took twice as long. */
export const solidProgram = program(VERTEX, fragment(false));

/** Draws plain faces that lie on the ground, darker where buildings are near. */
export const groundProgram = program(VERTEX, fragment(true));
