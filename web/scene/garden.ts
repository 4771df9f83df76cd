// The ground of the blocks: gardens, patios and soil in plots along the streets, and the blank paper beyond the data.

import { BufferAttribute, BufferGeometry } from "three";
import { toView } from "./camera";
import { Stage, still } from "./chunk";
import type { Ring } from "./city";
import { shows } from "./detail";
import { hash } from "./hash";
import { On, valueAt, type Field, type Mask } from "./mask";
import { Material } from "./material";
import { FENCE, HEDGE, PATIO, SOIL, mix, type Colour } from "./palette";
import { pack } from "./mesh";
import { BLOCK, program } from "./program";
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

const UPWARDS = [0, 0, 1] as const; // a normal

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
  const half = (x1 - x0 + Math.hypot(DEEP, WIDE)) / 2;
  const borders = shows(BORDER);
  const lay = (from: number, to: number, low: number, high: number, z: number, finish: Finish) => {
    const corner = (s: number, t: number) => [ux * s - uy * t, uy * s + ux * t, z] as const;
    const corners = [corner(from, low), corner(to, low), corner(to, high), corner(from, high)];
    // Nearly all lie inside the square as they are.
    if (corners.every(([x, y]) => x >= x0 && x <= x1 && y >= y0 && y <= y1)) return solid.face(corners, UPWARDS, finish);
    const ring = cut(cut(cut(cut(corners.flatMap(([x, y]) => [x, y]), 0, x0, 1), 0, x1, -1), 1, y0, 1), 1, y1, -1);
    if (ring.length >= 6) solid.face(Array.from({ length: ring.length / 2 }, (_, i) => [ring[i * 2], ring[i * 2 + 1], z] as const), UPWARDS, finish);
  };
  const [s, t] = [mx * ux + my * uy, -mx * uy + my * ux];
  for (let i = Math.floor((s - reach) / DEEP); i * DEEP < s + reach; i++) {
    for (let j = Math.floor((t - reach) / WIDE); j * WIDE < t + reach; j++) {
      // A plot is a garden as a whole or wild as a whole, so houses are counted around its middle.
      const [a, b] = [(i + 0.5) * DEEP, (j + 0.5) * WIDE];
      const [x, y] = [ux * a - uy * b, uy * a + ux * b];
      if (Math.abs(x - mx) > half || Math.abs(y - my) > half) continue; // it lies beside the square
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
        if (borders && share < 0.4) lay(from, to, low, high, 0.006, { colour: share < 0.2 ? FENCE : HEDGE, id: Material.fence, material: Material.fence });
      }
    }
  }
}

const [right, away] = [toView(1, 0), toView(0, 1)]; // where east and south point in view ground
const floats = (values: readonly number[]) => values.map((v) => v.toFixed(8)).join(", ");

const PAPER = "vec3(0.85, 0.83, 0.78)";

const wild = (edge: boolean) => program(
  /* glsl */ `
in vec2 position;
void main() {
  // From the block's border to border, and a little beyond.
  vec2 corner = position * 1.01;
  float y = -(block.y + (corner.y * 0.5 + 0.5) * ${BLOCK}.0) / UP;
  gl_Position = vec4(corner, (depthOf(vec3(0.0, y, 0.0)) - block.z) / block.w * 2.0 - 1.0, 1.0);
}`,
  /* glsl */ `
uniform vec4 land;
void main() {
${edge ? `
  vec2 place = (gl_FragCoord.xy + block.xy) * vec2(1.0 / ACROSS, -1.0 / UP);
  vec2 ground = vec2(dot(place, vec2(${floats(right)})), dot(place, vec2(${floats(away)})));
  if (any(lessThan(ground, land.xy)) || any(greaterThan(ground, land.zw))) {
    plane(${PAPER}, 0u);
    return;
  }` : ""}
  vec2 cell = cellInBlock(), middle = cellGround(cell);
  float grass = 1.0 + 0.07 * (speck(middle / 0.7) + speck(middle / 3.1));
  vec3 lighting = AMBIENT_OF_GROUND + SUN_COLOUR * SUN.z * sunlightHere(0.0, shadowStart, 0.30);
  plane(lighting * vec3(0.52, 0.62, 0.33) * (grass * (1.0 - 0.42 * nearness(cell))), ${pack(0, Material.green, Material.green, 0)}u);
}`,
);

/** Bare paper: farther away than all that is drawn, at the depth of level ground. */
const paper = program(
  /* glsl */ `
in vec2 position;
void main() {
  gl_Position = vec4(position * 1.01, 0.99999, 1.0);
}`,
  /* glsl */ `
void main() {
  plane(${PAPER}, 0u, 0.0);
}`,
);

const square = new BufferGeometry();
square.setAttribute("position", new BufferAttribute(new Float32Array([-1, -1, 1, -1, 1, 1, -1, 1]), 2));
square.setIndex([0, 1, 2, 0, 2, 3]);

/** The ground of any block where nobody lives: wild grass. */
export const wildGround = still(square, wild(false), Stage.base);

/** The same for blocks that the data ends in: blank paper beyond it. */
export const edgeGround = still(square, wild(true), Stage.base);

/** The paper under ground that is not level, which lies in chunks. */
export const paperGround = still(square, paper, Stage.base);
