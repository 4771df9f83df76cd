// The ground of the blocks: gardens, patios and soil in plots along the streets, and the blank paper beyond the data.

import { BufferAttribute, BufferGeometry } from "three";
import { toView } from "./camera";
import type { Ring } from "./city";
import { hash } from "./hash";
import { On, valueAt, type Field, type Mask } from "./mask";
import { Material } from "./material";
import { FENCE, HEDGE, PATIO, SOIL, mix, type Colour } from "./palette";
import { program } from "./program";
import { Pattern, type Finish, type Solid } from "./solid";
import type { Link } from "./street";

/** The angle that most streets run along near a place, from sums over squares of so many metres. */
export class Grain {
  private readonly sums = new Map<string, [number, number]>();

  constructor(links: readonly Link[], metres: number) {
    for (const { kind, points, along } of links) {
      if (kind !== "street") continue;
      for (let i = 1; i < points.length; i++) {
        const [a, b] = [points[i - 1], points[i]];
        // Four times the angle: streets that cross at right angles then agree.
        const angle = 4 * Math.atan2(b[1] - a[1], b[0] - a[0]);
        const length = along[i] - along[i - 1];
        const sum = this.sum(Math.floor((a[0] + b[0]) / 2 / metres), Math.floor((a[1] + b[1]) / 2 / metres));
        sum[0] += Math.cos(angle) * length;
        sum[1] += Math.sin(angle) * length;
      }
    }
  }

  private sum(i: number, j: number): [number, number] {
    const key = `${i},${j}`;
    if (!this.sums.has(key)) this.sums.set(key, [0, 0]);
    return this.sums.get(key)!;
  }

  /** The angle at square (i, j), its neighbours counted in. */
  angle(i: number, j: number): number {
    let [x, y] = [0, 0];
    for (let di = -2; di <= 2; di++) {
      for (let dj = -2; dj <= 2; dj++) {
        const [sx, sy] = this.sums.get(`${i + di},${j + dj}`) ?? [0, 0];
        const weight = 1 / (1 + di * di + dj * dj);
        x += sx * weight;
        y += sy * weight;
      }
    }
    return Math.atan2(y, x) / 4;
  }
}

const DEEP = 7.6, WIDE = 5.2; // metres of a plot
const LAWNS: readonly [Colour, Colour] = [[110, 143, 74], [138, 166, 87]];
const BORDER = 0.45; // metres of a fence or a hedge: it must win its cells

/** Cuts a convex ring to one side of an upright or a level line. */
function cut(ring: Ring, axis: 0 | 1, limit: number, sign: 1 | -1): Ring {
  const kept: Ring = [];
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const [here, before] = [(ring[i + axis] - limit) * sign, (ring[j + axis] - limit) * sign];
    if (here >= 0 !== before >= 0) {
      const t = before / (before - here);
      kept.push(ring[j] + (ring[i] - ring[j]) * t, ring[j + 1] + (ring[i + 1] - ring[j + 1]) * t);
    }
    if (here >= 0) kept.push(ring[i], ring[i + 1]);
  }
  return kept;
}

/** Lays the gardens of a square of ground where people live: plots of 7.6 x 5.2 m, a fence or a hedge on 40 % of their sides. */
export function layPlots(solid: Solid, mask: Mask, settled: Field, x0: number, y0: number, x1: number, y1: number, angle: number, within: (x: number, y: number) => boolean): void {
  const [ux, uy] = [Math.cos(angle), Math.sin(angle)];
  const [mx, my] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const reach = (x1 - x0) * 0.75;
  const lay = (from: number, to: number, low: number, high: number, z: number, finish: Finish) => {
    let ring = [[from, low], [to, low], [to, high], [from, high]].flatMap(([s, t]) => [ux * s - uy * t, uy * s + ux * t]);
    ring = cut(cut(cut(cut(ring, 0, x0, 1), 0, x1, -1), 1, y0, 1), 1, y1, -1);
    if (ring.length >= 6) solid.face(Array.from({ length: ring.length / 2 }, (_, i) => [ring[i * 2], ring[i * 2 + 1], z] as const), [0, 0, 1], finish);
  };
  const [s, t] = [mx * ux + my * uy, -mx * uy + my * ux];
  for (let i = Math.floor((s - reach) / DEEP); i * DEEP < s + reach; i++) {
    for (let j = Math.floor((t - reach) / WIDE); j * WIDE < t + reach; j++) {
      // A plot is a garden as a whole or wild as a whole, so houses are counted around its middle.
      const [a, b] = [(i + 0.5) * DEEP, (j + 0.5) * WIDE];
      const [x, y] = [ux * a - uy * b, uy * a + ux * b];
      if (valueAt(settled, x, y) <= 0.1) continue;
      const points = [[0, 0], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5], [-0.5, -0.5]].map(([p, q]) => [x + ux * p * DEEP - uy * q * WIDE, y + uy * p * DEEP + ux * q * WIDE] as const);
      // Ground ends with the data, in that very pixel.
      if (!points.every(([px, py]) => within(px, py))) continue;
      // Nobody sees a garden under a house or a street.
      if (points.every(([px, py]) => mask.at(px, py) & (On.building | On.asphalt | On.park | On.wood | On.bare))) continue;
      const luck = hash(i, j, 51);
      const kind = (luck & 255) / 255;
      const lawn = mix(...LAWNS, ((luck >>> 8) & 255) / 255);
      const finish: Finish = kind < 0.2 ? { colour: PATIO, id: Material.ground, material: Material.ground, pattern: Pattern.pavement }
        : kind < 0.29 ? { colour: SOIL, id: Material.ground, material: Material.ground, pattern: Pattern.beds, angle: angle + Math.PI / 2 }
          : { colour: lawn, id: Material.green, material: Material.green, pattern: Pattern.grass };
      const [s0, s1, t0, t1] = [i * DEEP, (i + 1) * DEEP, j * WIDE, (j + 1) * WIDE];
      // Most lawns are the bare ground's own green.
      if (finish.material !== Material.green || (luck & 0xc000) === 0) lay(s0, s1, t0, t1, 0.003, finish);
      for (const [chance, from, to, low, high] of [[luck >>> 16, s0, s0 + BORDER, t0, t1], [luck >>> 24, s0, s1, t0, t0 + BORDER]] as const) {
        const share = (chance & 255) / 255;
        if (share < 0.4) lay(from, to, low, high, 0.006, { colour: share < 0.2 ? FENCE : HEDGE, id: Material.fence, material: Material.fence });
      }
    }
  }
}

/** Makes a chunk's square of ground. */
export function gardenSquare(x0: number, y0: number, x1: number, y1: number): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array([x0, y0, x1, y0, x1, y1, x0, y1]), 2));
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  return geometry;
}

const [right, away] = [toView(1, 0), toView(0, 1)]; // where east and south point in view ground

/** Draws the ground where nobody lives: wild grass, and blank paper beyond the data. */
export const gardenProgram = program(
  /* glsl */ `
in vec2 position;
out vec3 place;
void main() {
  place = vec3(position, 0.0);
  gl_Position = project(place);
}`,
  /* glsl */ `
in vec3 place;
uniform vec4 land;
void main() {
  vec2 ground = vec2(dot(place.xy, vec2(${right.map((v) => v.toFixed(8)).join(", ")})), dot(place.xy, vec2(${away.map((v) => v.toFixed(8)).join(", ")})));
  if (any(lessThan(ground, land.xy)) || any(greaterThan(ground, land.zw))) {
    plane(vec3(0.85, 0.83, 0.78), vec4(0.0), place);
    return;
  }
  vec2 cell = cellGround();
  vec3 c = vec3(0.52, 0.62, 0.33) * (0.93 + 0.07 * speck(cell / 0.7) + 0.07 * speck(cell / 3.1));
  plane(c * light(vec3(0.0, 0.0, 1.0), sunlight(place, 0.30)) * (1.0 - 0.42 * nearness(cell)), vec4(0.0, ${Material.green}.0, ${Material.green}.0, 0.0), place);
}`,
);
