// What a building is: its class, its storeys, its colours, and which of its walls look at a street.

import { boxOf, doubleArea, type Building, type Ring } from "./city";
import { Dice, hashPlace } from "./hash";
import { On, type Mask } from "./mask";
import { buildingId } from "./material";
import { APARTMENTS, COMMERCIAL, DARK_BROWN, FLAT_ROOFS, HOUSES, PITCHED_ROOFS, TOWERS, WARM_WHITE, mix, type Colour } from "./palette";
import { FLOOR } from "./storey";

const CLEARANCE = 2.4; // metres of a wall that stand out of the highest ground beside it

export type Class = "house" | "apartment" | "commercial" | "tower" | "shed";

/** A rectangle around a footprint: centre, direction of its long side, half its sides. */
export interface Rectangle { x: number; y: number; ux: number; uy: number; long: number; wide: number }

/** A camera-facing wall from a to b, its outside on the right hand. */
export interface Wall { ax: number; ay: number; bx: number; by: number; length: number; side: "front" | "rear" | "party"; onWideStreet: boolean }

/** Everything that the drawing of a building follows from. */
export interface Plan {
  cls: Class;
  id: number;
  seed: number;
  rings: Ring[];
  area: number;
  floors: number;
  height: number; // metres to the eaves or to the roof
  wall: Colour;
  trim: Colour;
  roof: Colour;
  pitched: "no" | "gable" | "hip";
  rectangle: Rectangle;
  walls: Wall[];
  shop: boolean;
  from: number; // metres above the ground where its walls begin
  least: number; // storeys that no part of it may have less of, since the ground on its upper side is so high
  blocks: Ring[]; // what stands on its roof (mass.ts)
  terrace: boolean; // its roof is planted
}

/** Takes out corners that a wall would not show: the tiles' grid is 0.24 m, so straight walls jitter. */
export function straighten(ring: Ring): Ring {
  let points = ring;
  for (let round = 0; round < 3; round++) {
    const kept: Ring = [];
    const n = points.length;
    for (let i = 0; i < n; i += 2) {
      const [px, py] = kept.length ? kept.slice(-2) : [points[n - 2], points[n - 1]];
      const [x, y, qx, qy] = [points[i], points[i + 1], points[(i + 2) % n], points[(i + 3) % n]];
      const length = Math.hypot(qx - px, qy - py);
      const off = length < 1e-6 ? 0 : Math.abs((qx - px) * (y - py) - (qy - py) * (x - px)) / length;
      if (off > 0.3) kept.push(x, y);
    }
    if (kept.length < 6) return points;
    if (kept.length === n) break;
    points = kept;
  }
  return points;
}

/** The smallest rectangle around a ring that is parallel to one of its sides. */
export function rectangleOf(ring: Ring): Rectangle {
  let best: Rectangle | null = null;
  let least = Infinity;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const length = Math.hypot(ring[i] - ring[j], ring[i + 1] - ring[j + 1]);
    if (length < 1) continue;
    const [ux, uy] = [(ring[i] - ring[j]) / length, (ring[i + 1] - ring[j + 1]) / length];
    const turned: number[] = [];
    for (let k = 0; k < ring.length; k += 2) turned.push(ring[k] * ux + ring[k + 1] * uy, -ring[k] * uy + ring[k + 1] * ux);
    const [x0, y0, x1, y1] = boxOf(turned);
    if ((x1 - x0) * (y1 - y0) >= least - 1e-6) continue;
    least = (x1 - x0) * (y1 - y0);
    const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const centre = { x: cx * ux - cy * uy, y: cx * uy + cy * ux };
    best = x1 - x0 >= y1 - y0
      ? { ...centre, ux, uy, long: (x1 - x0) / 2, wide: (y1 - y0) / 2 }
      : { ...centre, ux: -uy, uy: ux, long: (y1 - y0) / 2, wide: (x1 - x0) / 2 };
  }
  const [x0, y0, x1, y1] = boxOf(ring);
  return best ?? { x: (x0 + x1) / 2, y: (y0 + y1) / 2, ux: 1, uy: 0, long: (x1 - x0) / 2, wide: (y1 - y0) / 2 };
}

/** Looks from a wall outwards: a neighbour at 1.6 m makes it a party wall, a street within 17 m before any building a front. */
function look(mask: Mask, ax: number, ay: number, bx: number, by: number): Wall {
  const length = Math.hypot(bx - ax, by - ay);
  const [nx, ny] = [(by - ay) / length, -(bx - ax) / length];
  let hits = 0;
  for (const t of [0.2, 0.5, 0.8]) if (mask.at(ax + (bx - ax) * t + nx * 1.6, ay + (by - ay) * t + ny * 1.6) & On.building) hits++;
  const wall: Wall = { ax, ay, bx, by, length, side: hits >= 2 ? "party" : "rear", onWideStreet: false };
  if (hits >= 2) return wall;
  const [mx, my] = [(ax + bx) / 2, (ay + by) / 2];
  for (let d = 1.8; d < 17; d += 0.8) {
    const there = mask.at(mx + nx * d, my + ny * d);
    if (there & On.building) return wall;
    if (there & On.street) return { ...wall, side: "front", onWideStreet: (there & On.wide) !== 0 };
  }
  return wall;
}

const SHOPS = new Set(["commercial", "retail", "restaurant", "bar", "pub", "cafe", "bank", "pharmacy", "post_office", "cinema", "theatre"]);

const NO_SHOPS = new Set(["school", "university", "hospital", "church", "monastery", "place_of_worship", "parking", "fire_station", "police", "library", "training"]);

/** Plans a building from its footprint, its height and what lies around it. */
export function planOf(building: Building, mask: Mask): Plan {
  const rings = building.rings.map(straighten);
  const area = Math.abs(doubleArea(rings[0])) / 2;
  const seed = hashPlace(building.rings[0][0], building.rings[0][1], 1);
  const dice = new Dice(seed);
  const h = building.height >= 3 ? building.height : dice.between(5, 9);
  const cls: Class = area < 28 ? "shed" : h >= 24 ? "tower" : area >= 900 && h < 14 ? "commercial" : area >= 300 || h >= 14 ? "apartment" : "house";
  const floors = cls === "shed" ? 0 : Math.max(1, Math.round(h / FLOOR - 0.1));
  const colours = { house: HOUSES, shed: HOUSES, apartment: APARTMENTS, commercial: COMMERCIAL, tower: TOWERS }[cls];
  const wall = dice.pick(colours);
  const trim = mix(wall, dice.chance(0.2) ? DARK_BROWN : WARM_WHITE, 0.62);
  const rectangle = rectangleOf(rings[0]);
  const fits = area / (4 * rectangle.long * rectangle.wide) > 0.86;
  const canPitch = fits && rings.length === 1 && area < 330 && h < 15 && rectangle.wide * 2 > 3 && rectangle.wide * 2 < 15;
  const roll = dice.roll();
  const pitched = !canPitch || roll >= 0.56 ? "no" : roll < 0.4 ? "gable" : "hip";
  const walls: Wall[] = [];
  rings.forEach((ring, r) => {
    for (let i = 0; i < ring.length; i += 2) {
      const j = (i + 2) % ring.length;
      let [ax, ay, bx, by] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
      if (r) [ax, ay, bx, by] = [bx, by, ax, ay]; // the outside of a hole is its inside
      if (bx - ax > 0.02) walls.push(look(mask, ax, ay, bx, by));
    }
  });
  const wide = walls.some((w) => w.onWideStreet && w.length > 3);
  const shop = !NO_SHOPS.has(building.type) && (SHOPS.has(building.type) || cls === "commercial" || ((cls === "apartment" || cls === "tower") && dice.chance(0.45)) || (cls === "house" && wide && dice.chance(0.6)));
  return {
    cls, id: buildingId(seed), seed, rings, area, floors, height: cls === "shed" ? 2.7 : floors * FLOOR + 0.9,
    wall, trim, roof: pitched === "no" ? dice.pick(FLAT_ROOFS) : dice.pick(PITCHED_ROOFS), pitched, rectangle, walls, shop, from: 0, least: 0, blocks: [], terrace: false,
  };
}

/** Makes a building on ground that rises so many metres under it as high as it takes to look out of the upper side. */
export function clear(plan: Plan, rise: number): void {
  if (plan.cls === "shed") plan.height = Math.max(plan.height, rise + CLEARANCE - 0.4);
  else {
    plan.least = Math.max(1, Math.ceil((rise + CLEARANCE - 0.9) / FLOOR));
    plan.floors = Math.max(plan.floors, plan.least);
    plan.height = plan.floors * FLOOR + 0.9;
  }
}
