// The ground under everything: block interiors, parks, woods, pitches, water.

import { rectangleOf, straighten } from "./building";
import { fromView } from "./camera";
import { counterClockwise, doubleArea, type Area, type Ring } from "./city";
import { SPACE, spaces } from "./lot";
import { On } from "./mask";
import { inside } from "./mass";
import { Material } from "./material";
import { COURT, LAWN, mix, PARK, PITCH, PLAZA, ROCK, SAND, SCRUB, TRACK, WATER, WOOD, type Colour } from "./palette";
import { inset } from "./roof";
import { Pattern, type Solid, type Finish } from "./solid";
import { disc, LAYER, strip } from "./street";

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
    case "hospital": case "university": return { paint: finish(LAWN, Material.green, Pattern.grass), rank: 2 };
    case "school": return { paint: finish(PLAZA, Material.pavement, Pattern.slabs), rank: 0 };
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
  // Every area of a tile has a height of its own, so two that overlap never fight for a pixel. The upper ones come first: what they
  // hide is then not shaded.
  sized.reverse().forEach(({ area, look }, k) => {
    const i = sized.length - 1 - k;
    if (area.kind.startsWith("water")) return layWater(solid, area.rings);
    layMarkings(solid, area);
    solid.level(area.rings, LAYER.area + (i / sized.length) * (LAYER.court - LAYER.area), look!.paint);
  });
}

const SHALLOW = finish(mix(WATER, [190, 226, 222], 0.42), Material.water, Pattern.water);
const BANK = finish(SAND, Material.kerb, Pattern.gravel);
const DEEP = finish(WATER, Material.water, Pattern.water);

/** Says whether a side runs exactly north or east, as the borders of source tiles do that cut a lake, and hardly a shore. */
function isCut(ax: number, ay: number, bx: number, by: number): boolean {
  const [east, south] = fromView(bx - ax, by - ay);
  return Math.min(Math.abs(east), Math.abs(south)) < 0.015 && Math.abs(east) + Math.abs(south) > 1;
}

/** Draws water: a bank of sand and stone around it, light where it is shallow, dark where it is deep. */
function layWater(solid: Solid, rings: readonly Ring[]): void {
  const [ring] = rings;
  const whole = rings.length === 1 && !ring.some((_, i) => i % 2 === 0 && isCut(ring[i], ring[i + 1], ring[(i + 2) % ring.length], ring[(i + 3) % ring.length]));
  // A shore too jagged for the wide shallows gets narrow ones.
  const deep = whole ? [3.4, 2, 1.1].map((metres) => inset(straighten(counterClockwise(ring)), metres)).find(Boolean) : null;
  if (deep) solid.level([deep], LAYER.water, DEEP);
  solid.level(rings, LAYER.shallow, deep ? SHALLOW : DEEP);
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const [ax, ay, bx, by] = [ring[j], ring[j + 1], ring[i], ring[i + 1]];
      const length = Math.hypot(bx - ax, by - ay);
      if (length < 0.05 || isCut(ax, ay, bx, by)) continue;
      strip(solid, ax, ay, (bx - ax) / length, (by - ay) / length, length, 0, BANK_WIDTH, LAYER.bank, BANK);
      disc(solid, bx, by, BANK_WIDTH, LAYER.bank, BANK);
    }
  }
}

const BANK_WIDTH = 2;
const LINE = finish([240, 240, 232], Material.marking, Pattern.none);

/** Paints the lines of courts and of parking spaces: as many as fit into the area. */
function layMarkings(solid: Solid, { kind, rings }: Area): void {
  const type = kind.split("/")[1];
  const court = { tennis: [11.9, 5.5], basketball: [14, 7.5], volleyball: [9, 4.5], soccer: [48, 30], football: [50, 24] }[type];
  const { x, y, ux, uy, long, wide } = rectangleOf(rings[0]);
  const at = (s: number, t: number): [number, number] => [x + ux * s - uy * t, y + uy * s + ux * t];
  const line = (s: number, t: number, along: number, across: number) => {
    const [px, py] = at(s, t);
    if (along) strip(solid, px, py, ux, uy, along, 0, 0.3, LAYER.court, LINE);
    else strip(solid, px, py, -uy, ux, across, 0, 0.3, LAYER.court, LINE);
  };
  if (court) {
    let [a, b] = court;
    const shrink = Math.min(1, (long - 0.8) / a, (wide - 0.8) / b);
    if (shrink < 0.3) return;
    [a, b] = [a * shrink, b * shrink];
    const [columns, rows] = [Math.max(1, Math.floor(long / (a + 3))), Math.max(1, Math.floor(wide / (b + 2)))];
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < rows; j++) {
        const [s, t] = [((i + 0.5) / columns - 0.5) * long * 2, ((j + 0.5) / rows - 0.5) * wide * 2];
        if (![[-a, -b], [a, -b], [a, b], [-a, b]].every(([p, q]) => inside(rings, ...at(s + p, t + q)))) continue;
        for (const end of [-1, 1]) {
          line(s - a, t + b * end, a * 2, 0);
          line(s + a * end, t - b, 0, b * 2);
        }
        line(s, t - b, 0, b * 2);
        if (type === "tennis") line(s - a * 0.55, t, a * 1.1, 0);
      }
    }
  } else if (type === "parking" || type === "surface") {
    spaces(rings, (px, py, dx, dy) => {
      const [qx, qy] = [px + dy * (SPACE / 2) - dx * 2.5, py - dx * (SPACE / 2) - dy * 2.5];
      strip(solid, qx, qy, dx, dy, 5, 0, 0.28, LAYER.court, LINE);
    });
  }
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
