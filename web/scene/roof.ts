// Roofs: flat ones with a parapet ring and what stands on them, gables and hips.

import type { Plan } from "./building";
import type { Ring } from "./city";
import { shows } from "./detail";
import { Dice, hash } from "./hash";
import { inside } from "./mass";
import { Material } from "./material";
import { colour, mix, shade, WARM_WHITE } from "./palette";
import type { Shade } from "./shade";
import { Pattern, type Finish, type Solid } from "./solid";

const PARAPET_WIDTH = 0.62;
export const PARAPET = 0.45;
const SUNK = 0.35;
const OVERHANG = 0.4;

type Point = readonly [number, number, number];

/** Moves every side of a counter-clockwise ring inwards; null when the ring folds. */
export function inset(ring: Ring, by: number): Ring | null {
  const n = ring.length;
  const moved: Ring = [];
  for (let i = 0; i < n; i += 2) {
    const [px, py, x, y, qx, qy] = [ring[(i + n - 2) % n], ring[(i + n - 1) % n], ring[i], ring[i + 1], ring[(i + 2) % n], ring[(i + 3) % n]];
    const [l1, l2] = [Math.hypot(x - px, y - py), Math.hypot(qx - x, qy - y)];
    const [n1x, n1y, n2x, n2y] = [-(y - py) / l1, (x - px) / l1, -(qy - y) / l2, (qx - x) / l2];
    const k = by / (1 + n1x * n2x + n1y * n2y);
    if (!(k > 0) || k > by * 4) return null;
    moved.push(x + (n1x + n2x) * k, y + (n1y + n2y) * k);
  }
  for (let i = 0; i < n; i += 2) {
    const j = (i + 2) % n;
    if ((moved[j] - moved[i]) * (ring[j] - ring[i]) + (moved[j + 1] - moved[i + 1]) * (ring[j + 1] - ring[i + 1]) <= 0) return null;
  }
  return moved;
}

/** Lays a flat roof; returns how high the walls must go. */
export function flatRoof(solid: Solid, shadow: Shade, plan: Plan): number {
  const { height, id } = plan;
  const finish: Finish = { colour: plan.terrace ? TERRACE : plan.roof, id, material: Material.roof, pattern: plan.terrace ? Pattern.courses : Pattern.sheets, angle: Math.atan2(plan.rectangle.uy, plan.rectangle.ux) };
  const rims = plan.rings.map((ring, i) => (i ? null : inset(ring, PARAPET_WIDTH)));
  const rim = plan.cls !== "shed" && plan.rings.length === 1 ? rims[0] : null;
  if (!rim) {
    solid.level(plan.rings, height, finish);
    shadow.prism(plan.rings, 0, height);
    if (plan.cls !== "shed") {
      edge(solid, plan);
      furnish(solid, shadow, plan, [...plan.rings, ...plan.blocks], height);
    }
    return height;
  }
  const top = height + PARAPET, floor = height - SUNK;
  const outer = plan.rings[0];
  const cap: Finish = { colour: mix(plan.trim, WARM_WHITE, 0.55), id, material: Material.trim };
  const lining: Finish = { colour: mix(plan.wall, plan.trim, 0.4), id, material: Material.wall };
  for (let i = 0; i < outer.length; i += 2) {
    const j = (i + 2) % outer.length;
    solid.face([[outer[i], outer[i + 1], top], [outer[j], outer[j + 1], top], [rim[j], rim[j + 1], top], [rim[i], rim[i + 1], top]], [0, 0, 1], cap);
    solid.wall(rim[j], rim[j + 1], rim[i], rim[i + 1], floor, top, lining);
  }
  solid.level([rim], floor, finish);
  shadow.prism(plan.rings, 0, floor, top);
  furnish(solid, shadow, plan, [rim, ...plan.blocks], floor);
  return top;
}

/** Draws a flat rim along every side of a roof that no parapet ring fits into. */
function edge(solid: Solid, plan: Plan): void {
  const cap: Finish = { colour: mix(plan.trim, WARM_WHITE, 0.55), id: plan.id, material: Material.trim };
  const z = plan.height + 0.06;
  plan.rings.forEach((ring, r) => {
    for (let i = 0; i < ring.length; i += 2) {
      const j = (i + 2) % ring.length;
      const length = Math.hypot(ring[j] - ring[i], ring[j + 1] - ring[i + 1]) || 1;
      const turn = (r ? -0.5 : 0.5) / length; // a hole's roof lies outside it
      const [nx, ny] = [-(ring[j + 1] - ring[i + 1]) * turn, (ring[j] - ring[i]) * turn];
      solid.face([[ring[i], ring[i + 1], z], [ring[j], ring[j + 1], z], [ring[j] + nx, ring[j + 1] + ny, z], [ring[i] + nx, ring[i + 1] + ny, z]], [0, 0, 1], cap);
    }
  });
}

const SKYLIGHT = colour("#9cc9de"), SOLAR = colour("#2f4a78"), AC = colour("#c9cbcc"), DECK = colour("#b08f66"), TANK = colour("#8d6a50"), VENT = colour("#9a9a98"), TERRACE = colour("#8aa065");

/** Puts 1-3 small things on a small roof, more on a large one. */
function furnish(solid: Solid, shadow: Shade, plan: Plan, rims: readonly Ring[], z: number): void {
  const dice = new Dice(hash(plan.seed, 7, 7));
  const { ux, uy, long, wide, x, y } = plan.rectangle;
  const count = plan.area < 300 ? Math.floor(dice.between(1, 4)) : Math.min(60, Math.floor(3 + plan.area / 130));
  const taken: [number, number, number][] = [];
  if (plan.area > 450 && !plan.blocks.length) raise(solid, shadow, plan, rims, z, dice, taken);
  const turned = { ...plan.rectangle, ux: -uy, uy: ux };
  for (let i = 0; i < count * 2 && taken.length < count; i++) {
    const [along, across] = [dice.between(-1, 1) * (long - 1.5), dice.between(-1, 1) * (wide - 1.5)];
    const [px, py] = [x + ux * along - uy * across, y + uy * along + ux * across];
    const roll = dice.roll();
    const d = dice.chance(0.5) ? plan.rectangle : turned;
    const large = plan.area > 300;
    const kind = roll < 0.26 ? "skylight" : roll < 0.52 ? "ac" : roll < 0.64 ? "stair" : roll < 0.74 ? "deck" : roll < 0.9 ? "solar" : plan.height > 12 ? "tank" : "vent";
    const [a, b] = { skylight: [0.9, 0.7], ac: large ? [1.3, 0.9] : [0.7, 0.5], stair: [1.3, 1.2], deck: [2, 1.5], solar: [1.7, 1.1], tank: [1.3, 1.3], vent: [0.35, 0.35] }[kind];
    if (!shows(2 * b)) continue;
    const reach = Math.hypot(a, b) + 0.2;
    const free = [[-1, -1], [1, -1], [1, 1], [-1, 1]].every(([s, t]) => inside(rims, px + d.ux * a * s - d.uy * b * t, py + d.uy * a * s + d.ux * b * t));
    if (!free || taken.some(([tx, ty, r]) => Math.hypot(tx - px, ty - py) < r + reach)) continue;
    taken.push([px, py, reach]);
    const finish = (c: readonly [number, number, number], material: number = Material.prop, pattern: number = Pattern.none): Finish => ({ colour: c, id: plan.id, material, pattern, angle: Math.atan2(d.uy, d.ux) });
    const box = (h: number, sides: Finish, lid: Finish = sides) => {
      solid.box(px, py, d.ux, d.uy, a, b, z, z + h, sides, lid);
      if (h > 0.6) shadow.prism([[[-1, -1], [1, -1], [1, 1], [-1, 1]].flatMap(([s, t]) => [px + d.ux * a * s - d.uy * b * t, py + d.uy * a * s + d.ux * b * t])], z, z + h);
    };
    if (kind === "skylight") box(0.3, finish(WARM_WHITE), finish(SKYLIGHT, Material.glass));
    else if (kind === "ac") box(0.95, finish(AC), finish(shade(AC, 1.08)));
    else if (kind === "stair") box(2.2, finish(mix(plan.wall, AC, 0.3)), finish(shade(plan.roof, 1.12)));
    else if (kind === "deck") box(0.12, finish(DECK), finish(DECK, Material.prop, Pattern.planks));
    else if (kind === "solar") box(0.35, finish(shade(SOLAR, 0.7)), finish(SOLAR, Material.glass, Pattern.panel));
    else if (kind === "tank") box(2.1, finish(TANK), finish(shade(TANK, 1.25)));
    else box(0.7, finish(VENT), finish(shade(VENT, 1.15)));
  }
}

/** Sets a large roof apart: patches of other roofing, and up to three raised blocks with a trim of their own. */
function raise(solid: Solid, shadow: Shade, plan: Plan, rims: readonly Ring[], z: number, dice: Dice, taken: [number, number, number][]): void {
  const { ux, uy, long, wide, x, y } = plan.rectangle;
  const angle = Math.atan2(uy, ux);
  const tries = Math.min(10, 3 + plan.area / 400);
  let blocks = 0;
  for (let i = 0; i < tries; i++) {
    const [a, b] = [dice.between(0.12, 0.3) * long, dice.between(0.2, 0.42) * wide];
    const [along, across] = [dice.between(-1, 1) * (long - a - 1), dice.between(-1, 1) * (wide - b - 1)];
    const [px, py] = [x + ux * along - uy * across, y + uy * along + ux * across];
    const block = i % 2 === 0 && blocks < 3 && plan.cls !== "house";
    const ring = [[-1, -1], [1, -1], [1, 1], [-1, 1]].flatMap(([s, t]) => [px + ux * a * s - uy * b * t, py + uy * a * s + ux * b * t]);
    const corners = ring.length / 2;
    const reach = Math.hypot(a, b);
    const lies = Array.from({ length: corners }, (_, c) => inside(rims, ring[c * 2], ring[c * 2 + 1])).every(Boolean);
    if (!lies || a < 1.5 || b < 1.5 || taken.some(([tx, ty, r]) => Math.hypot(tx - px, ty - py) < r + reach)) continue;
    const roof: Finish = { colour: shade(plan.roof, dice.between(0.88, 1.1)), id: plan.id, material: Material.roof, pattern: Pattern.sheets, angle };
    if (!block) {
      solid.level([ring], z + 0.04, roof);
      continue;
    }
    blocks++;
    taken.push([px, py, reach]);
    const top = z + dice.between(2.2, 3.4);
    solid.box(px, py, ux, uy, a, b, z, top, { colour: mix(plan.wall, plan.roof, 0.25), id: plan.id, material: Material.wall }, { colour: mix(plan.trim, WARM_WHITE, 0.4), id: plan.id, material: Material.trim });
    const inner = inset(ring, 0.5);
    if (inner) solid.level([inner], top + 0.05, roof);
    shadow.prism([ring], z, top);
  }
}

/** Lays a gable or hip roof over the building's rectangle; returns how high the walls must go. */
export function pitchedRoof(solid: Solid, shadow: Shade, plan: Plan): number {
  const { x, y, ux, uy, long, wide } = plan.rectangle;
  const { height: eaves, id } = plan;
  const rise = Math.min(3.4, 0.34 * wide * 2);
  const slope = rise / wide;
  const drop = slope * OVERHANG;
  const hip = plan.pitched === "hip" && long > wide * 1.05;
  const at = (s: number, t: number, z: number): Point => [x + ux * s - uy * t, y + uy * s + ux * t, z];
  const [L, W] = [long + OVERHANG, wide + OVERHANG];
  const low = eaves - drop, ridge = eaves + rise;
  const ends = hip ? L - W : L; // the ridge runs to here
  const tiles: Finish = { colour: plan.roof, id, material: Material.roof, pattern: Pattern.courses };
  const trim: Finish = { colour: mix(plan.trim, WARM_WHITE, 0.4), id, material: Material.trim };
  const pitch = Math.hypot(1, slope);
  for (const side of [-1, 1]) {
    const normal = [(-uy * side * slope) / pitch, (ux * side * slope) / pitch, 1 / pitch] as const;
    const face = [at(-L, side * W, low), at(L, side * W, low), at(ends, 0, ridge), at(-ends, 0, ridge)];
    solid.face(face, normal, tiles);
    shadow.face(face);
    const endNormal = [(ux * side * slope) / pitch, (uy * side * slope) / pitch, 1 / pitch] as const;
    if (hip) {
      const end = [at(side * L, -W, low), at(side * L, W, low), at(side * ends, 0, ridge)];
      solid.face(end, endNormal, tiles);
      shadow.face(end);
    } else {
      for (const end of [-1, 1]) {
        // The board follows the slope a hand's breadth above the tiles.
        const [s0, s1, up] = [end * L, end * (L - 0.42), 0.06];
        solid.face([at(s0, side * W, low + up), at(s1, side * W, low + up), at(s1, 0, ridge + up), at(s0, 0, ridge + up)], normal, trim);
        const outward = [ux * end, uy * end, 0] as const;
        if (outward[1] < 0) solid.face([at(s0, side * W, low - 0.25), at(s0, side * W, low + up), at(s0, 0, ridge + up), at(s0, 0, ridge - 0.25)], outward, trim);
      }
    }
    const out = [-uy * side, ux * side, 0] as const;
    if (out[1] < 0) solid.face([at(-L, side * W, low - 0.22), at(L, side * W, low - 0.22), at(L, side * W, low), at(-L, side * W, low)], out, trim);
  }
  if (!hip) {
    for (const end of [-1, 1]) {
      const outward = [ux * end, uy * end, 0] as const;
      if (outward[1] >= 0) continue;
      const s = end * long;
      solid.face([at(s, -wide, eaves - 0.02), at(s, wide, eaves - 0.02), at(s, 0, ridge - 0.02)], outward, { colour: plan.wall, id, material: Material.wall });
      if (rise > 1.6 && shows(1.2)) {
        const o = end * (long + 0.03);
        solid.face([at(o, -0.6, eaves + 0.4), at(o, 0.6, eaves + 0.4), at(o, 0.6, eaves + 1.5), at(o, -0.6, eaves + 1.5)], outward, { colour: colour("#55738f"), id, material: Material.glass });
      }
    }
  }
  solid.face([at(-ends, -0.22, ridge + 0.02), at(ends, -0.22, ridge + 0.02), at(ends, 0.22, ridge + 0.02), at(-ends, 0.22, ridge + 0.02)], [0, 0, 1], { ...tiles, colour: shade(plan.roof, 1.22), pattern: Pattern.none });
  const dice = new Dice(hash(plan.seed, 8, 8));
  if (dice.chance(0.55) && shows(0.84)) {
    const [s, t] = [dice.between(-0.6, 0.6) * ends, dice.between(0.3, 0.55) * wide * (dice.chance(0.5) ? 1 : -1)];
    const [cx, cy] = at(s, t, 0);
    const brick: Finish = { colour: colour("#a0604a"), id, material: Material.wall };
    solid.box(cx, cy, ux, uy, 0.42, 0.42, eaves, ridge + 0.7, brick, { ...brick, colour: colour("#d8c8b0") });
  }
  shadow.prism(plan.rings, 0, eaves);
  return eaves;
}
