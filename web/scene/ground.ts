// The ground under everything: block interiors, parks, woods, pitches, water.

import type { Area, Ring } from "./city";
import { doubleArea } from "./city";
import { On } from "./mask";
import { Material } from "./material";
import { COURT, LAWN, PARK, PITCH, PLAZA, ROCK, SAND, SCRUB, TRACK, WATER, WOOD, type Colour } from "./palette";
import { Pattern, type Solid, type Finish } from "./solid";
import { LAYER } from "./street";

const finish = (colour: Colour, material: number, pattern: number): Finish => ({ colour, material, id: material, pattern });

/** What an area is painted with, and how high it lies among areas; smaller kinds lie on larger ones. */
export function areaFinish(kind: string): { paint: Finish; rank: number } | null {
  const [layer, type] = kind.split("/");
  if (layer === "water") return { paint: finish(WATER, Material.water, Pattern.water), rank: 8 };
  switch (type) {
    case "crop": case "scrub": return { paint: finish(SCRUB, Material.green, Pattern.grass), rank: 1 };
    case "grass": case "meadow": return { paint: finish(LAWN, Material.green, Pattern.grass), rank: layer === "landcover" ? 2 : 4 };
    case "park": case "common": case "garden": case "dog_park": case "recreation_ground": case "picnic_site": case "sports_centre":
      return { paint: finish(PARK, Material.green, Pattern.grass), rank: 3 };
    case "wood": case "forest": return { paint: finish(WOOD, Material.green, Pattern.wood), rank: 5 };
    case "hospital": case "school": case "university": return { paint: finish(PLAZA, Material.pavement, Pattern.pavement), rank: 0 };
    case "parking": case "surface": return { paint: finish([142, 140, 142], Material.road, Pattern.asphalt), rank: 6 };
    case "playground": return { paint: finish(SAND, Material.ground, Pattern.soil), rank: 6 };
    case "bare_rock": return { paint: finish(ROCK, Material.ground, Pattern.soil), rank: 6 };
    case "athletics": return { paint: finish(TRACK, Material.green, Pattern.none), rank: 7 };
    case "tennis": case "basketball": case "volleyball": case "horseshoes": return { paint: finish(COURT, Material.green, Pattern.none), rank: 7 };
    case "baseball": case "football": case "soccer": case "pitch": case "lawn_bowling":
      return { paint: finish(PITCH, Material.green, Pattern.stripes), rank: 7 };
    default: return null;
  }
}

/** What an area means to trees: a flag of mask.ts, or 0. */
export function areaMask(kind: string): number {
  const rank = areaFinish(kind)?.rank;
  if (rank === undefined || rank === 1) return 0;
  if (rank === 5) return On.wood;
  return rank === 2 || rank === 3 || rank === 4 ? On.park : On.bare;
}

/** Draws the areas of one source tile: all that lies on each other, since areas are cut at the borders of tiles. */
export function layAreas(solid: Solid, areas: readonly Area[]): void {
  const sized = areas.map((area) => ({ area, look: areaFinish(area.kind), size: Math.abs(doubleArea(area.rings[0])) })).filter((a) => a.look);
  sized.sort((a, b) => a.look!.rank - b.look!.rank || b.size - a.size);
  // Every area of a tile has a height of its own, so two that overlap never fight for a pixel.
  sized.forEach(({ area, look }, i) => solid.level(area.rings, LAYER.area + (i / sized.length) * 0.1, look!.paint));
}

/** Says whether a point lies inside a convex counter-clockwise or clockwise ring. */
export function insideConvex(ring: Ring, x: number, y: number): boolean {
  let sign = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
    const side = Math.sign((ring[i] - ring[j]) * (y - ring[j + 1]) - (ring[i + 1] - ring[j + 1]) * (x - ring[j]));
    if (side !== 0 && sign !== 0 && side !== sign) return false;
    if (side !== 0) sign = side;
  }
  return true;
}
