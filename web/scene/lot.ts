// Parking lots: rows of cars on either side of aisles.

import { rectangleOf } from "./building";
import type { Area, Ring } from "./city";
import { hashPlace } from "./hash";
import { inside } from "./mass";
import { On, type Mask } from "./mask";
import type { Stop } from "./street";

export const SPACE = 2.8; // metres of width per car
const ROW = 8.6; // from the middle of a row to the middle of the next, half an aisle each side
const FILLED = 42; // per cent of the spaces

/** Goes over the spaces that fit into an area: the middle of each and the direction of a car in it. */
export function spaces(rings: readonly Ring[], see: (x: number, y: number, dx: number, dy: number) => void): void {
  const { x, y, ux, uy, long, wide } = rectangleOf(rings[0]);
  // Rows along the lot or across it, from one edge or a little beside: whatever has the most spaces, since lots bend.
  let best: [number, number, number, number][] = [];
  for (const [vx, vy, half, depth] of [[ux, uy, long, wide], [-uy, ux, wide, long]]) {
    for (const beside of [0, ROW / 3, (ROW * 2) / 3]) {
      const found: typeof best = [];
      for (let across = -depth + 3.2 + beside; across < depth - 2; across += ROW) {
        for (let along = -half + 2; along < half - 2; along += SPACE) {
          const [cx, cy] = [x + vx * along - vy * across, y + vy * along + vx * across];
          if ([-2.6, 2.6].every((t) => inside(rings, cx - vy * t, cy + vx * t))) found.push([cx, cy, -vy, vx]);
        }
      }
      if (found.length > best.length) best = found;
    }
  }
  for (const space of best) see(...space);
}

/** The parked cars of an area, if it is a parking lot: none where a drive leads through or a building stands. */
export function lotCars({ kind, rings, whole }: Area, mask: Mask): Stop[] {
  if (kind !== "landuse/parking" && kind !== "landuse/surface") return [];
  const stops: Stop[] = [];
  spaces(whole ?? rings, (x, y, ux, uy) => {
    const seed = hashPlace(x, y, 23);
    if (seed % 100 >= FILLED) return;
    const free = [-2.4, 0, 2.4].every((t) => {
      const flags = mask.at(x + ux * t, y + uy * t);
      return flags & On.bare && !(flags & (On.building | On.street | On.path));
    });
    if (free) stops.push({ x, y, ux, uy, seed });
  });
  return stops;
}
