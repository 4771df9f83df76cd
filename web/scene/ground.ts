// The ground under everything: block interiors, parks, woods, pitches, water.

import { rectangleOf, straighten } from "./building";
import { counterClockwise, type Area, type Ring } from "./city";
import { SPACE, spaces } from "./lot";
import { On } from "./mask";
import { inside } from "./mass";
import { Material } from "./material";
import { COURT, LAWN, mix, PARK, PITCH, PLAZA, ROCK, SAND, SCRUB, TRACK, WATER, WOOD, type Colour } from "./palette";
import { inset } from "./roof";
import { Pattern, type Solid, type Finish } from "./solid";
import { disc, LAYER, strip } from "./street";

const finish = (colour: Colour, material: number, pattern: number): Finish => ({ colour, material, id: material, pattern });

const HIGHEST_RANK = 8; // that of water

/** What an area is painted with, and how high it lies among areas: one rank for each paint, what is small on what is large. */
export function areaFinish(kind: string): { paint: Finish; rank: number } | null {
  const [layer, type] = kind.split("/");
  if (layer === "water") return { paint: finish(WATER, Material.water, Pattern.water), rank: HIGHEST_RANK };
  switch (type) {
    case "crop": case "scrub": return { paint: finish(SCRUB, Material.green, Pattern.grass), rank: 1 };
    case "grass": case "meadow": return { paint: finish(LAWN, Material.green, Pattern.grass), rank: layer === "landcover" ? 2 : 4 };
    case "park": case "common": case "garden": case "dog_park": case "recreation_ground": case "picnic_site": case "sports_centre":
      return { paint: finish(PARK, Material.green, Pattern.grass), rank: 3 };
    case "wood": case "forest": return { paint: finish(WOOD, Material.green, Pattern.wood), rank: 5 };
    case "hospital": case "university": return { paint: finish(LAWN, Material.green, Pattern.grass), rank: 2 };
    case "school": return { paint: finish(PLAZA, Material.pavement, Pattern.slabs), rank: 0 };
    case "parking": case "surface": return { paint: finish([142, 140, 142], Material.road, Pattern.asphalt), rank: 6 };
    case "playground": return { paint: finish(SAND, Material.ground, Pattern.soil), rank: 6.3 };
    case "bare_rock": return { paint: finish(ROCK, Material.ground, Pattern.soil), rank: 6.6 };
    case "athletics": return { paint: finish(TRACK, Material.green, Pattern.none), rank: 7 };
    case "tennis": case "basketball": case "volleyball": case "horseshoes": return { paint: finish(COURT, Material.green, Pattern.none), rank: 7.6 };
    case "baseball": case "football": case "soccer": case "pitch": case "lawn_bowling":
      return { paint: finish(PITCH, Material.green, Pattern.stripes), rank: 7.3 };
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

/** Draws the areas of one source tile. */
export function layAreas(solid: Solid, areas: readonly Area[]): void {
  const looks = areas.flatMap((area) => {
    const look = areaFinish(area.kind);
    return look ? [{ area, ...look }] : [];
  });
  // A height for each paint: two that overlap never fight for a pixel, and the pieces of one area lie level in all tiles.
  // The upper ones come first: what they hide is then not shaded.
  looks.sort((a, b) => b.rank - a.rank);
  for (const { area, paint, rank } of looks) {
    if (rank === HIGHEST_RANK) layWater(solid, area);
    else {
      layMarkings(solid, area);
      solid.level(area.rings, LAYER.area + (rank / HIGHEST_RANK) * (LAYER.court - LAYER.area) * 0.8, paint);
    }
  }
}
const SHALLOW = finish(mix(WATER, [190, 226, 222], 0.42), Material.water, Pattern.water);
const BANK = finish(SAND, Material.kerb, Pattern.gravel);
const DEEP = finish(WATER, Material.water, Pattern.water);

/** Says of each side of a ring, by the corner it ends at, whether the border of a tile made it; no shore is there. */
function cutSides(points: readonly { x: number; y: number }[] | undefined): boolean[] {
  return points?.map((b, i) => {
    const a = points[(i + points.length - 1) % points.length];
    return (a.x === b.x && Number.isInteger(b.x)) || (a.y === b.y && Number.isInteger(b.y));
  }) ?? [];
}

/** Draws water: a bank of sand and stone around it, light where it is shallow, dark where it is deep. */
function layWater(solid: Solid, { rings, cut, whole: lake = rings }: Area): void {
  const sides = rings.map((_, r) => cutSides(cut?.rings[r]));
  const whole = lake.length === 1 && (lake !== rings || !sides[0].includes(true));
  // A shore too jagged for the wide shallows gets narrow ones.
  const deep = whole ? [3.4, 2, 1.1].map((metres) => inset(straighten(counterClockwise(lake[0])), metres)).find(Boolean) : null;
  if (deep) solid.level([deep], LAYER.water, DEEP);
  solid.level(rings, LAYER.shallow, deep ? SHALLOW : DEEP);
  rings.forEach((ring, r) => {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const [ax, ay, bx, by] = [ring[j], ring[j + 1], ring[i], ring[i + 1]];
      const length = Math.hypot(bx - ax, by - ay);
      if (length < 0.05 || sides[r][i / 2]) continue;
      const [ux, uy] = [(bx - ax) / length, (by - ay) / length];
      strip(solid, ax, ay, ux, uy, length, 0, BANK_WIDTH, LAYER.bank, BANK);
      disc(solid, bx, by, BANK_WIDTH, LAYER.bank, BANK);
      if (!deep) layShallows(solid, lake, ax, ay, ux, uy, length);
    }
  });
}

/** Draws the shallows along one side of a shore that no even ring of them fits into, as far as there is water beside it. */
function layShallows(solid: Solid, lake: readonly Ring[], x: number, y: number, ux: number, uy: number, length: number): void {
  const pieces = Math.ceil(length / SHALLOWS_STEP);
  for (const side of [-1, 1]) {
    const at = (t: number, s: number): [number, number] => [x + ux * t - uy * s * side, y + uy * t + ux * s * side];
    if (!inside(lake, ...at(length / 2, 0.05))) continue;
    for (let i = 0; i < pieces; i++) {
      const [from, to] = [(i * length) / pieces, ((i + 1) * length) / pieces];
      // Where the water is narrow, both shores leave a third of it deep.
      const wide = [3, 2, 1].find((metres) => [from, (from + to) / 2, to].every((t) => inside(lake, ...at(t, metres * 1.5)) && inside(lake, ...at(t, metres / 2))));
      if (wide) solid.face([at(from, 0), at(to, 0), at(to, wide), at(from, wide)].map(([px, py]) => [px, py, LAYER.water] as const), [0, 0, 1], SHALLOW);
    }
  }
}

const SHALLOWS_STEP = 4; // metres of shore whose shallows are equally wide
const BANK_WIDTH = 2;
const LINE = finish([240, 240, 232], Material.marking, Pattern.none);

/** Paints the lines of courts and of parking spaces: as many as fit into the area. */
function layMarkings(solid: Solid, { kind, rings: piece, whole: rings = piece }: Area): void {
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
