// Ground that follows the heights: every flat face is cut along the triangles of the relief and laid on them.

import earcut from "earcut";
import type { Box } from "./chunk";
import { boxOf, flattened, type Ring } from "./city";
import { Material, normalCode } from "./material";
import { pack } from "./mesh";
import { program } from "./program";
import type { Relief } from "./relief";
import { COUNT, Solid, SURFACE_GLSL, type Finish } from "./solid";

type Corner = readonly [number, number, number];

const NEAR = 1e-6; // steps of the lattice within which a point counts as on its lines
const LEAST = 1e-7; // square metres; a smaller piece shows nowhere
const LEVEL = 0.956; // of a normal upwards: flatter ground, up to 17 degrees, is nearer to level than to the pitch of a roof

/** Cuts a convex ring where x * a + y * b is so much: what lies below, and what lies above. */
function cut(ring: Ring, a: number, b: number, limit: number): [below: Ring, above: Ring] {
  const [below, above]: [Ring, Ring] = [[], []];
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const here = ring[i] * a + ring[i + 1] * b - limit, before = ring[j] * a + ring[j + 1] * b - limit;
    if ((here > 0 && before < 0) || (here < 0 && before > 0)) {
      const t = before / (before - here);
      const x = ring[j] + (ring[i] - ring[j]) * t, y = ring[j + 1] + (ring[i + 1] - ring[j + 1]) * t;
      below.push(x, y);
      above.push(x, y);
    }
    if (here <= 0) below.push(ring[i], ring[i + 1]);
    if (here >= 0) above.push(ring[i], ring[i + 1]);
  }
  return [below, above];
}

/** Cuts a convex ring along all lines where x * a + y * b is a whole number. */
function slices(ring: Ring, a: number, b: number): Ring[] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < ring.length; i += 2) {
    const value = ring[i] * a + ring[i + 1] * b;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const found: Ring[] = [];
  let rest = ring;
  for (let k = Math.floor(low + NEAR) + 1; k < high - NEAR; k++) {
    const [below, above] = cut(rest, a, b, k);
    if (below.length >= 6) found.push(below);
    rest = above;
  }
  if (rest.length >= 6) found.push(rest);
  return found;
}

function area(ring: Ring): number {
  let sum = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) sum += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
  return Math.abs(sum) / 2;
}

function triangles(rings: readonly Ring[]): Ring[] {
  const { flat, holes } = flattened(rings);
  const corners = earcut(flat, holes);
  return Array.from({ length: corners.length / 3 }, (_, i) => corners.slice(i * 3, i * 3 + 3).flatMap((c) => [flat[c * 2], flat[c * 2 + 1]]));
}

/** Faces given as on level ground, with corners so many metres over it: each is laid as a convex ring. */
abstract class Laid extends Solid {
  abstract lay(ring: Ring, over: number, finish: Finish): void;

  override face(corners: readonly Corner[], _normal: Corner, finish: Finish): void {
    this.lay(corners.flatMap(([x, y]) => [x, y]), corners[0][2], finish);
  }

  override level(rings: readonly Ring[], z: number, finish: Finish): void {
    for (const triangle of triangles(rings)) this.lay(triangle, z, finish);
  }
}

/** A convex face of the ground before it is laid on it, so many metres over it. */
export interface Sheet { ring: Ring; box: Box; over: number; finish: Finish }

/** Faces that are kept, to be laid on the ground later. */
export class Sheets extends Laid {
  readonly all: Sheet[] = [];

  override lay(ring: Ring, over: number, finish: Finish): void {
    this.all.push({ ring, box: boxOf(ring), over, finish });
  }
}

/** Faces that lie on the ground of a relief, as far as they lie in a box where one is given. */
export class Draped extends Laid {
  constructor(private readonly relief: Relief, private readonly within: Box | null = null) {
    super();
  }

  override lay(ring: Ring, over: number, finish: Finish): void {
    const per = 1 / this.relief.step;
    // Small triangles of two layers round differently: their lowest layers lie farther apart than on level ground.
    const apart = over + 3 * Math.min(over, 0.08);
    for (const strip of slices(this.clipped(ring), per, 0)) {
      for (const square of slices(strip, 0, per)) for (const piece of slices(square, per, -per)) this.piece(piece, apart, finish);
    }
  }

  private clipped(ring: Ring): Ring {
    if (!this.within) return ring;
    const [x0, y0, x1, y1] = this.within;
    return cut(cut(cut(cut(ring, 1, 0, x0)[1], 1, 0, x1)[0], 0, 1, y0)[1], 0, 1, y1)[0];
  }

  /** Lays what lies on one triangle. */
  private piece(ring: Ring, over: number, finish: Finish): void {
    if (area(ring) < LEAST) return;
    const { step } = this.relief;
    const water = finish.material === Material.water;
    const points = Array.from({ length: ring.length / 2 }, (_, i) => [snapped(ring[i * 2], step), snapped(ring[i * 2 + 1], step)]);
    const spots = points.map(([x, y]) => this.relief.spot(x, y));
    const normals = spots.map(({ across, away }) => {
      const length = Math.hypot(across, away, 1);
      return [-across / length, -away / length, 1 / length] as const;
    });
    // Water is lit as what it is, also where its shore lies on a slope.
    const mean = [0, 1, 2].map((axis) => normals.reduce((sum, normal) => sum + normal[axis], 0) / normals.length);
    const code = water || mean[2] > LEVEL ? 0 : normalCode(mean[0], mean[1], Math.min(mean[2], 0.97));
    const [paint, , facing] = this.words([0, 0, 1], finish);
    const tag = pack(finish.id >> 8, finish.id & 255, finish.material, code);
    const turn = facing >>> 24;
    const first = points.map(([x, y], i) => {
      const [nx, ny, nz] = water ? [0, 0, 1] : normals[i];
      return this.mesh.vertex(x, y, spots[i].z + over, [paint, tag, pack(nx * 127 + 128, ny * 127 + 128, nz * 127 + 128, turn)]);
    })[0];
    for (let i = 2; i < points.length; i++) this.mesh.triangle(first, first + i - 1, first + i);
  }
}

/** A coordinate on a line of the lattice exactly there, however it was worked out: what meets there leaves no gap. */
function snapped(metres: number, step: number): number {
  const k = Math.round(metres / step);
  return Math.abs(metres / step - k) < NEAR ? k * step : metres;
}

/** Draws ground that is not level: as groundProgram, but lit by its slope and shaded at its own height. */
export const drapedProgram = program(
  SURFACE_GLSL + /* glsl */ `
uniform vec4 rarities[${COUNT * 2}];
flat out vec3 colour, coarse;
flat out vec4 rare;
flat out float above; // the grain above which it is something rare
out float sunny;
void main() {
  vec3 normal;
  int pattern;
  colour = look(normal, pattern);
  coarse = patterns[pattern * 3 + 1].xyz;
  rare = rarities[pattern * 2];
  above = rarities[pattern * 2 + 1].x;
  sunny = max(dot(normal, SUN), 0.0);
}`,
  /* glsl */ `
flat in uint object;
flat in vec3 colour, fine, coarse;
flat in vec4 lines, rare;
flat in vec2 share;
flat in float above;
in float sunny;
void main() {
  vec2 cell = cellInBlock(), place = cellGround(cell);
  float height = heightHere(), grain = speck(place * fine.xy);
  float line = fract(dot(vec4(gl_FragCoord.xy, height, 1.0), lines));
  vec3 c = colour * ((1.0 + grain * fine.z + speck(place * coarse.xy) * coarse.z) * (1.0 + share.y * float(line < share.x)));
  c += (rare.rgb - c) * (rare.a * float(grain > above));
  vec3 lighting = AMBIENT_OF_GROUND + SUN_COLOUR * (sunny * sunlightHere(height, shadowStart, 0.30));
  plane(c * lighting * (1.0 - 0.42 * nearness(cell, height)), object);
}`,
);
