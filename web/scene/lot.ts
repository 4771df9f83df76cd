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
  for (let across = -wide + 3.2; across < wide - 2; across += ROW) {
    for (let along = -long + 2; along < long - 2; along += SPACE) {
      const [cx, cy] = [x + ux * along - uy * across, y + uy * along + ux * across];
      if ([-2.6, 2.6].every((t) => inside(rings, cx - uy * t, cy + ux * t))) see(cx, cy, -uy, ux);
    }
  }
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
