// Parking lots: rows of cars on either side of aisles.

import { rectangleOf } from "./building";
import type { Area } from "./city";
import { hashPlace } from "./hash";
import { On, type Mask } from "./mask";
import type { Stop } from "./street";

const SPACE = 2.8; // metres of width per car
const ROW = 8.6; // from the middle of a row to the middle of the next, half an aisle each side
const FILLED = 42; // per cent of the spaces

/** The parked cars of an area, if it is a parking lot: none where a drive leads through or a building stands. */
export function lotCars({ kind, rings }: Area, mask: Mask): Stop[] {
  if (kind !== "landuse/parking" && kind !== "landuse/surface") return [];
  const { x, y, ux, uy, long, wide } = rectangleOf(rings[0]);
  const stops: Stop[] = [];
  for (let across = -wide + 3.2; across < wide - 2; across += ROW) {
    for (let along = -long + 2; along < long - 2; along += SPACE) {
      const [cx, cy] = [x + ux * along - uy * across, y + uy * along + ux * across];
      const seed = hashPlace(cx, cy, 23);
      if (seed % 100 >= FILLED) continue;
      const free = [-2.4, 0, 2.4].every((t) => {
        const flags = mask.at(cx - uy * t, cy + ux * t);
        return flags & On.bare && !(flags & (On.building | On.street | On.path));
      });
      if (free) stops.push({ x: cx, y: cy, ux: -uy, uy: ux, seed });
    }
  }
  return stops;
}
