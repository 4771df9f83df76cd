// The ground of the blocks: gardens, patios and soil in plots along the streets, and the blank paper beyond the data.

import { BufferAttribute, BufferGeometry } from "three";
import { toView } from "./camera";
import { Material } from "./material";
import { FENCE, HEDGE, PATIO, SOIL, type Colour } from "./palette";
import { program } from "./program";
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

/** Makes a chunk's square of garden ground, its plots turned by an angle. */
export function gardenSquare(x0: number, y0: number, x1: number, y1: number, angle: number): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array([x0, y0, x1, y0, x1, y1, x0, y1]), 2));
  const turn = [Math.cos(angle), Math.sin(angle)];
  geometry.setAttribute("turn", new BufferAttribute(new Float32Array([...turn, ...turn, ...turn, ...turn]), 2));
  geometry.setIndex([0, 1, 2, 0, 2, 3]);
  return geometry;
}

const vec = (c: Colour) => `vec3(${c.map((v) => (v / 255).toFixed(4)).join(", ")})`;
const [right, away] = [toView(1, 0), toView(0, 1)]; // where east and south point in view ground

/** Draws garden ground: plots of 7.6 x 5.2 m, a fence or a hedge on 62 % of their sides. */
export const gardenProgram = program(
  /* glsl */ `
in vec2 position, turn;
out vec3 place;
flat out vec2 along;
void main() {
  place = vec3(position, 0.0);
  along = turn;
  gl_Position = project(place);
}`,
  /* glsl */ `
in vec3 place;
flat in vec2 along;
uniform vec4 land;
uniform highp sampler2D nearMap;
uniform vec4 nearFrame;
uniform highp sampler2D settledMap;
uniform vec4 settledFrame;
void main() {
  vec2 ground = vec2(dot(place.xy, vec2(${right.map((v) => v.toFixed(8)).join(", ")})), dot(place.xy, vec2(${away.map((v) => v.toFixed(8)).join(", ")})));
  if (any(lessThan(ground, land.xy)) || any(greaterThan(ground, land.zw))) {
    plane(vec3(0.85, 0.83, 0.78), vec4(0.0), place);
    return;
  }
  vec2 across = vec2(-along.y, along.x);
  vec2 q = vec2(dot(place.xy, along), dot(place.xy, across));
  vec2 plot = floor(q / vec2(7.6, 5.2));
  vec2 within = q - plot * vec2(7.6, 5.2);
  // A plot is a garden as a whole or wild as a whole, so houses are counted around its middle.
  vec2 middle = (plot + 0.5) * vec2(7.6, 5.2);
  middle = middle.x * along + middle.y * across;
  bool settled = texture(settledMap, (middle - settledFrame.xy) * settledFrame.zw).r > 0.10;
  vec4 luck = vec4((uvec4(dice(plot, 51.0)) >> uvec4(0u, 8u, 16u, 24u)) & 255u) / 255.0;
  float grain = noise(place.xy / 0.7, 52.0);
  float patches = noise(place.xy / 2.3, 53.0);
  vec3 c;
  vec4 tag = vec4(0.0, ${Material.green}.0, ${Material.green}.0, 0.0);
  if (settled && luck.x < 0.20) {
    c = ${vec(PATIO)} * (0.94 + 0.10 * noise(q / vec2(1.5, 1.3), 54.0));
    tag = vec4(0.0, ${Material.ground}.0, ${Material.ground}.0, 0.0);
  } else if (settled && luck.x < 0.29) {
    c = ${vec(SOIL)} * (0.88 + 0.2 * grain) * (fract(q.y / 1.3) < 0.35 ? 0.86 : 1.0);
    tag = vec4(0.0, ${Material.ground}.0, ${Material.ground}.0, 0.0);
  } else {
    c = settled ? mix(vec3(0.43, 0.56, 0.29), vec3(0.54, 0.65, 0.34), luck.y) : vec3(0.52, 0.62, 0.33);
    c *= 0.95 + 0.10 * grain;
    if (patches > 0.62) c *= settled ? vec3(0.84, 0.89, 0.82) : vec3(0.94, 0.96, 0.93);
    if (grain > 0.988) c = mix(c, vec3(0.92, 0.82, 0.55), 0.7);
  }
  float side = within.x < 0.3 ? luck.z : luck.w;
  if (settled && min(within.x, within.y) < 0.3 && side < 0.62) {
    c = side < 0.34 ? ${vec(FENCE)} : ${vec(HEDGE)} * (0.85 + 0.3 * grain);
    tag = vec4(0.0, ${Material.fence}.0, ${Material.fence}.0, 0.0);
  }
  float near = texture(nearMap, (place.xy - nearFrame.xy) * nearFrame.zw).r;
  plane(c * light(vec3(0.0, 0.0, 1.0), sunlight(place, 0.30)) * (1.0 - 0.42 * near), tag, place);
}`,
);
