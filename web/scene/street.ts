// Streets: pavement, kerb, asphalt and what is painted on them, and the places of cars and street trees along them.

import type { Road } from "./city";
import { shows } from "./detail";
import { Dice, hashPlace } from "./hash";
import { alongOf, meetingsOf, type Course, type Junction } from "./junction";
import { Material } from "./material";
import { ASPHALT, ASPHALT_SIDE, KERB, MARKING, MARKING_YELLOW, PATH, PAVEMENT, RAIL, RAIL_BED, type Colour } from "./palette";
import { Pattern, type Finish, type Solid } from "./solid";

export const PAVEMENT_WIDTH = 2.9;
export const KERB_WIDTH = 0.38;
const DASH = 0.4; // metres of a painted line, the narrowest of all marks

// Ground layers lie a few centimetres over each other: far enough for the depth buffer, too little for the eye.
export const LAYER = { area: 0.01, court: 0.07, bank: 0.08, shallow: 0.09, water: 0.1, path: 0.12, pavement: 0.14, kerb: 0.16, asphalt: 0.18, rail: 0.2, marking: 0.24 } as const;

const finish = (colour: Colour, material: number, pattern: number = Pattern.none): Finish => ({ colour, material, id: material, pattern });
const FINISH = {
  pavement: finish(PAVEMENT, Material.pavement, Pattern.pavement),
  kerb: finish(KERB, Material.kerb),
  asphalt: finish(ASPHALT, Material.road, Pattern.asphalt),
  side: finish(ASPHALT_SIDE, Material.road, Pattern.asphalt),
  path: finish(PATH, Material.pavement, Pattern.gravel),
  steps: finish(PATH, Material.pavement, Pattern.planks),
  bed: finish(RAIL_BED, Material.rail, Pattern.soil),
  rail: finish(RAIL, Material.rail),
  white: finish(MARKING, Material.marking),
  yellow: finish(MARKING_YELLOW, Material.marking),
};

/** A stretch of road between junctions; half is half its asphalt in metres. */
export interface Link {
  road: Road; // which it is a part of
  kind: "street" | "service" | "path" | "steps" | "rail";
  half: number;
  oneway: boolean;
  points: [number, number][];
  along: number[]; // metres from the first point
  from: Junction | null;
  to: Junction | null;
  seed: number;
}

const HALF: Record<string, number> = {
  primary: 6.2, secondary: 6, tertiary: 5.4, street: 4.7, street_limited: 4, link: 3.6,
  service: 2.3, track: 2.2, pedestrian: 2.4, path: 1.15, major_rail: 1.6, minor_rail: 1.5,
};

function kindOf(road: Road): Link["kind"] | null {
  if (road.structure === "tunnel") return null;
  const [main, type] = road.kind.split("/");
  if (main.endsWith("_rail")) return type === "tram" || type === "light_rail" ? "rail" : null;
  if (main === "path" || main === "pedestrian" || main === "track") return type === "steps" ? "steps" : "path";
  if (main === "service") return "service";
  return main in HALF ? "street" : null;
}

/** Cuts the roads at their junctions. */
export function linksOf(roads: readonly Road[]): Link[] {
  const links: Link[] = [];
  const courses: (Course & { road: Road })[] = [];
  const add = (kind: Link["kind"], half: number, road: Road, points: [number, number][], from: Junction | null, to: Junction | null) => {
    const along = alongOf(points.flat());
    if (along.at(-1)! < 0.5) return;
    const middle = points[points.length >> 1];
    links.push({ road, kind, half, oneway: road.oneway, points, along, from, to, seed: hashPlace(middle[0], middle[1], 5) });
  };
  for (const road of roads) {
    const kind = kindOf(road);
    if (!kind) continue;
    const half = HALF[road.kind.split("/")[0]] ?? 2;
    if (kind === "street") courses.push({ road, line: road.line, along: alongOf(road.line), half });
    else add(kind, half, road, pairs(road.line), null, null);
  }
  const meetings = meetingsOf(courses);
  courses.forEach(({ road, line, along, half }, c) => {
    let points: [number, number][] = [[line[0], line[1]]];
    let from: Junction | null = null;
    let next = 0;
    for (let i = 2; i < line.length; i += 2) {
      const [start, end] = [along[i / 2 - 1], along[i / 2]];
      for (; next < meetings[c].length && meetings[c][next].at <= end; next++) {
        const { at, junction } = meetings[c][next];
        const t = end > start ? (at - start) / (end - start) : 0;
        const point: [number, number] = [line[i - 2] + (line[i] - line[i - 2]) * t, line[i - 1] + (line[i + 1] - line[i - 1]) * t];
        points.push(point);
        add("street", half, road, points, from, junction);
        points = [point];
        from = junction;
      }
      points.push([line[i], line[i + 1]]);
    }
    add("street", half, road, points, from, null);
  });
  return links;
}

function pairs(flat: number[]): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2], flat[i * 2 + 1]]);
}

/** The point and the direction of a link at so many metres along it. */
export function pointAt(link: Link, metres: number): { x: number; y: number; ux: number; uy: number } {
  let i = 1;
  while (i < link.along.length - 1 && link.along[i] < metres) i++;
  const [a, b] = [link.points[i - 1], link.points[i]];
  const length = link.along[i] - link.along[i - 1] || 1;
  const t = (metres - link.along[i - 1]) / length;
  return { x: a[0] + (b[0] - a[0]) * t, y: a[1] + (b[1] - a[1]) * t, ux: (b[0] - a[0]) / length, uy: (b[1] - a[1]) / length };
}

/** Lays a level strip: from a point so many metres in a direction, so far to its left, so wide to either side. */
export function strip(solid: Solid, x: number, y: number, ux: number, uy: number, length: number, side: number, half: number, z: number, paint: Finish): void {
  const corner = (t: number, s: number) => [x + ux * t - uy * s, y + uy * t + ux * s, z] as const;
  solid.face([corner(0, side - half), corner(length, side - half), corner(length, side + half), corner(0, side + half)], [0, 0, 1], paint);
}

/** Lays a level disc. */
export function disc(solid: Solid, x: number, y: number, radius: number, z: number, paint: Finish): void {
  const corners = Array.from({ length: 12 }, (_, i) => [x + Math.cos((i * Math.PI) / 6) * radius, y + Math.sin((i * Math.PI) / 6) * radius, z] as const);
  solid.face(corners, [0, 0, 1], paint);
}

/** Draws segment i of a link (from point i to point i + 1) with its round joins; one that leaves the data ends bluntly. */
export function laySegment(solid: Solid, link: Link, i: number, within: (x: number, y: number) => boolean): void {
  const [a, b] = [link.points[i], link.points[i + 1]];
  const length = link.along[i + 1] - link.along[i];
  if (length < 1e-3) return;
  const [ux, uy] = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
  const before = link.along[i] - link.along[i - 1];
  // Round joins only where the street bends: on a straight one they would be drawn for nothing.
  const straight = i > 0 && before > 0.5 && (ux * (a[0] - link.points[i - 1][0]) + uy * (a[1] - link.points[i - 1][1])) / before > 0.9995;
  const last = i === link.points.length - 2;
  const joins = (half: number, z: number, paint: Finish, atJunctions: boolean) => {
    if (!straight && (atJunctions || i > 0 || !link.from) && (i > 0 || within(a[0] - ux, a[1] - uy))) disc(solid, a[0], a[1], half, z, paint);
    if (last && (atJunctions || !link.to) && within(b[0] + ux, b[1] + uy)) disc(solid, b[0], b[1], half, z, paint);
  };
  const band = (half: number, z: number, paint: Finish) => {
    strip(solid, a[0], a[1], ux, uy, length, 0, half, z, paint);
    joins(half, z, paint, true);
  };
  if (link.kind === "path") return band(link.half, LAYER.path, FINISH.path);
  if (link.kind === "steps") return band(link.half, LAYER.path, FINISH.steps);
  if (link.kind === "service") return band(link.half, LAYER.asphalt - 0.01, FINISH.side);
  if (link.kind === "rail") {
    // On a street only the rails show; the bed lies under the asphalt's height there.
    band(link.half + 0.4, LAYER.pavement - 0.01, FINISH.bed);
    for (const side of [-0.88, 0.88]) strip(solid, a[0], a[1], ux, uy, length, side, 0.3, LAYER.rail, FINISH.rail);
    return;
  }
  band(link.half, LAYER.asphalt, link.half > 5 ? FINISH.asphalt : FINISH.side);
  // Kerb and pavement only beside the asphalt: a software renderer shades what lies hidden under it at full price. At a
  // junction the crossing street brings its own.
  for (const [inner, width, z, paint] of [[link.half, KERB_WIDTH, LAYER.kerb, FINISH.kerb], [link.half + KERB_WIDTH, PAVEMENT_WIDTH, LAYER.pavement, FINISH.pavement]] as const) {
    if (!shows(width)) continue;
    for (const side of [-1, 1]) strip(solid, a[0], a[1], ux, uy, length, side * (inner + width / 2), width / 2, z, paint);
    joins(inner + width, z, paint, false);
  }
}

/** Metres to keep free of paint and cars at a junction. */
const clear = (junction: Junction | null, extra: number) => (junction ? junction.widest + extra : 0);

/** Draws what is painted on a link: dashes, zebras, stop lines. The place of every mark goes to put, which says where it is drawn. */
export function layMarks(link: Link, put: (x: number, y: number) => Solid): void {
  if (link.kind !== "street" || !shows(DASH)) return;
  const total = link.along.at(-1)!;
  const mark = (metres: number, length: number, side: number, half: number, paint: Finish) => {
    const { x, y, ux, uy } = pointAt(link, metres);
    strip(put(x, y), x, y, ux, uy, length, side, half, LAYER.marking, paint);
  };
  const lanes = link.oneway && link.half > 5 ? [-link.half * 0.28, link.half * 0.28] : link.half > 5 ? [0] : [];
  for (let s = clear(link.from, 9); s + 2.6 < total - clear(link.to, 9); s += 6.8) {
    for (const lane of lanes) mark(s, 2.6, lane, DASH / 2, link.oneway ? FINISH.white : FINISH.yellow);
  }
  for (const end of [0, 1]) {
    const junction = end ? link.to : link.from;
    const start = clear(junction, 1.6);
    if (!junction || total < start + 12 || link.half < 4) continue;
    const stripes = Math.floor((link.half * 2 - 0.6) / 1.75);
    for (let i = 0; i < stripes; i++) {
      const side = (i - (stripes - 1) / 2) * 1.75;
      mark(end ? total - start - 3 : start, 3, side, 0.46, FINISH.white);
    }
    const lane = link.oneway ? 0 : end ? -link.half / 2 : link.half / 2;
    if (!link.oneway || end) mark(end ? total - start - 4.6 : start + 4.1, 0.5, lane, link.oneway ? link.half - 0.4 : link.half / 2 - 0.3, FINISH.white);
  }
}

/** A place along a street, with the direction of travel; beside is a point of the pavement next to it, if it is at the kerb. */
export interface Stop { x: number; y: number; ux: number; uy: number; seed: number; beside?: [number, number] }

/** The cars of a link: parked every 5.9 m on both sides, moving every 31 to 51 m. */
export function carsOf(link: Link): Stop[] {
  const stops: Stop[] = [];
  if (link.kind !== "street" || link.half < 4) return stops;
  const total = link.along.at(-1)!;
  const add = (metres: number, side: number, forward: boolean, parked: boolean) => {
    const { x, y, ux, uy } = pointAt(link, metres);
    const turn = forward ? 1 : -1;
    const [cx, cy] = [x - uy * side, y + ux * side];
    const out = Math.sign(side) * (link.half + KERB_WIDTH + 0.9);
    stops.push({ x: cx, y: cy, ux: ux * turn, uy: uy * turn, seed: hashPlace(cx, cy, 21), beside: parked ? [x - uy * out, y + ux * out] : undefined });
  };
  const dice = new Dice(link.seed);
  for (const side of [-1, 1]) {
    for (let s = clear(link.from, 10); s < total - clear(link.to, 10); s += 5.9) {
      if (dice.chance(0.62)) add(s + dice.between(-0.3, 0.3), side * (link.half - 1.15), side < 0 || link.oneway, true);
    }
    const busy = link.half > 5 ? 0.7 : 0.25;
    for (let s = clear(link.from, 8) + dice.between(0, 20); s < total - clear(link.to, 8); s += dice.between(31, 51)) {
      if (dice.chance(busy)) add(s, side * link.half * 0.3, side < 0 || link.oneway, false);
    }
  }
  return stops;
}

/** The trees on the pavements of a link: every 8.5 m, 25 to 80 % of the places, by street. */
export function streetTreesOf(link: Link): Stop[] {
  const stops: Stop[] = [];
  if (link.kind !== "street" || link.half < 4) return stops;
  const dice = new Dice(link.seed ^ 0x5bd1e995);
  const share = dice.between(0.25, 0.8);
  for (const side of [-1, 1]) {
    for (let s = clear(link.from, 7); s < link.along.at(-1)! - clear(link.to, 7); s += 8.5) {
      if (!dice.chance(share)) continue;
      const { x, y, ux, uy } = pointAt(link, s + dice.between(-1, 1));
      const out = side * (link.half + KERB_WIDTH + 1.0);
      stops.push({ x: x - uy * out, y: y + ux * out, ux, uy, seed: hashPlace(x - uy * out, y + ux * out, 22) });
    }
  }
  return stops;
}
