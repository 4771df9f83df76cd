// Plain faces: roofs, parapets, boxes, ground. One flat colour each, plus a pattern that the shader lays over it.

import earcut from "earcut";
import { Vector4 } from "three";
import { flattened, type Ring } from "./city";
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
  wild: [[0.7, 0.7, 0.07], [3.1, 3.1, 0.07], [0, 0, 0, 0, 1]],
} as const;

/** The number of a pattern, by its name. */
export const Pattern = Object.fromEntries(Object.keys(PATTERNS).map((name, i) => [name, i])) as Record<keyof typeof PATTERNS, number>;

export const SOLID: Layout = { floats: [["position", 3]], words: ["paint", "tag", "facing"] };

/** How a face looks, its pattern's angle in radians, and what it says in the object plane. */
export interface Finish { colour: Colour; id: number; material: number; pattern?: number; angle?: number }

/** Plain faces of one chunk. */
export class Solid {
  readonly mesh = new Mesh(SOLID);
  lift = 0; // metres that all which is added next stands higher

  /** Adds a flat convex face given as [x, y, z] corners; the normal is given, since the winding is free. */
  face(corners: readonly (readonly [number, number, number])[], normal: readonly [number, number, number], finish: Finish): void {
    const words = this.words(normal, finish);
    let first = -1;
    for (const [x, y, z] of corners) {
      const vertex = this.mesh.vertex(x, y, z + this.lift, words);
      if (first < 0) first = vertex;
    }
    for (let i = 2; i < corners.length; i++) this.mesh.triangle(first, first + i - 1, first + i);
  }

  /** Adds a level polygon with holes at height z. */
  level(rings: readonly Ring[], z: number, finish: Finish): void {
    const words = this.words([0, 0, 1], finish);
    const { flat, holes } = flattened(rings);
    let first = -1;
    for (let i = 0; i < flat.length; i += 2) {
      const vertex = this.mesh.vertex(flat[i], flat[i + 1], z + this.lift, words);
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

  protected words(normal: readonly [number, number, number], finish: Finish): [number, number, number] {
    const [nx, ny, nz] = normal;
    // The angle of the pattern's lines, 256 steps to half a turn.
    const turn = ((Math.round(((finish.angle ?? 0) / Math.PI) * 256) % 256) + 256) % 256;
    const tag = pack(finish.id >> 8, finish.id & 255, finish.material, normalCode(nx, ny, nz));
    return [packColour(finish.colour, finish.pattern ?? 0), tag, pack(nx * 127 + 128, ny * 127 + 128, nz * 127 + 128, turn)];
  }
}

// The table goes to the shader as a uniform: as a constant array it was copied for every vertex.
export const COUNT = Object.keys(PATTERNS).length;
uniforms.patterns = {
  value: Object.values(PATTERNS).flatMap(([fine, coarse, lines]) => [
    new Vector4(1 / fine[0], 1 / fine[1], fine[2], lines[3]), new Vector4(1 / coarse[0], 1 / coarse[1], coarse[2], lines[4]), new Vector4(lines[0], lines[1], lines[2], 0),
  ]),
};

/** What a fragment of the ground turns into where its grain is above so much, and by what share: flowers in grass, glints on water. */
const RARE: Partial<Record<string, { colour: Colour; share: number; above: number }>> = {
  grass: { colour: [0.93, 0.86, 0.47], share: 1, above: 0.494 },
  water: { colour: [0.80, 0.92, 0.98], share: 0.4, above: 0.455 },
};
uniforms.rarities = {
  value: Object.keys(PATTERNS).flatMap((name) => {
    const { colour, share, above } = RARE[name] ?? { colour: [0, 0, 0], share: 0, above: 1 };
    return [new Vector4(...colour, share), new Vector4(above)];
  }),
};

export const SURFACE_GLSL = /* glsl */ `
in vec3 position;
in uint paint, tag, facing;
uniform vec4 patterns[${COUNT * 3}];
flat out uint object;
flat out vec3 fine;
flat out vec4 lines; // per pixel to the right and down, per metre up, at the block's first pixel
flat out vec2 share; // of the lines, and what they add to the brightness

/** Everything but the colour, which is returned. */
vec3 look(out vec3 normal, out int pattern) {
  vec4 c = bytes(paint);
  object = tag;
  vec4 f = bytes(facing);
  normal = (f.xyz - 128.0) / 127.0;
  pattern = int(c.a + 0.5);
  vec4 a = patterns[pattern * 3], b = patterns[pattern * 3 + 1], l = patterns[pattern * 3 + 2];
  fine = a.xyz;
  share = vec2(a.w, b.w - 1.0);
  // Sine and cosine of half a turn in 256 steps (Bhaskara's rule), cheaper for every vertex than the real ones.
  float square = f.w * (256.0 - f.w), sine = 16.0 * square / (327680.0 - 4.0 * square);
  vec2 turn = vec2(sign(128.0 - f.w) * sqrt(max(0.0, 1.0 - sine * sine)), sine);
  vec2 level = (l.x * turn + l.y * vec2(-turn.y, turn.x)) * vec2(1.0 / ACROSS, -1.0 / UP);
  lines = vec4(level, l.z + level.y * RISE, dot(level, block.xy));
  gl_Position = project(position);
  return c.rgb / 255.0;
}
`;

/** Draws plain faces. The pattern's numbers come flat from the vertices: branching on it per pixel took twice as long. */
export const solidProgram = program(
  SURFACE_GLSL + /* glsl */ `
flat out vec3 dark, sunny; // its colour in the shade, and what the sun adds
flat out vec3 start;
void main() {
  vec3 normal;
  int pattern;
  vec3 colour = look(normal, pattern);
  dark = colour * mix(AMBIENT_OF_WALLS, AMBIENT_OF_GROUND, clamp(normal.z, 0.0, 1.0));
  sunny = colour * SUN_COLOUR * max(dot(normal, SUN), 0.0);
  // The light is asked for 0.12 m before the face, so that it does not lie in its own shadow.
  start = vec3(shadowStart + (normal.xy + normal.z * SHEAR) * (0.12 * SHADOW_TEXELS), 0.30 + 0.12 * normal.z);
}`,
  /* glsl */ `
flat in uint object;
flat in vec3 fine, dark, sunny, start;
flat in vec4 lines;
flat in vec2 share;
void main() {
  float height = heightHere();
  float grain = 1.0 + speck(cellGround(cellInBlock()) * fine.xy) * fine.z;
  float line = fract(dot(vec4(gl_FragCoord.xy, height, 1.0), lines));
  grain *= 1.0 + share.y * float(line < share.x);
  plane((dark + sunny * sunlightHere(height, start.xy, start.z)) * grain, object);
}`,
);

/** Draws plain faces that lie level on the ground, darker where buildings are near. */
export const groundProgram = program(
  SURFACE_GLSL + /* glsl */ `
uniform vec4 rarities[${COUNT * 2}];
flat out vec3 colour, coarse;
flat out vec4 rare;
flat out vec2 at; // its height; the grain above which it is something rare
void main() {
  vec3 normal;
  int pattern;
  colour = look(normal, pattern);
  coarse = patterns[pattern * 3 + 1].xyz;
  rare = rarities[pattern * 2];
  at = vec2(position.z, rarities[pattern * 2 + 1].x);
  lines.w += lines.z * position.z;
}`,
  /* glsl */ `
flat in uint object;
flat in vec3 colour, fine, coarse;
flat in vec4 lines, rare;
flat in vec2 share, at;
void main() {
  vec2 cell = cellInBlock(), place = cellGround(cell);
  float grain = speck(place * fine.xy);
  float line = fract(dot(vec3(gl_FragCoord.xy, 1.0), lines.xyw));
  vec3 c = colour * ((1.0 + grain * fine.z + speck(place * coarse.xy) * coarse.z) * (1.0 + share.y * float(line < share.x)));
  c += (rare.rgb - c) * (rare.a * float(grain > at.y));
  vec3 lighting = AMBIENT_OF_GROUND + SUN_COLOUR * SUN.z * sunlightHere(at.x, shadowStart, 0.30);
  plane(c * lighting * (1.0 - 0.42 * nearness(cell)), object);
}`,
);
