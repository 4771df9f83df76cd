// The city file, turned into view ground metres.

import { toView } from "./camera";

/** A closed ring [x, y, x, y, …] in view ground metres; the last point is not repeated. */
export type Ring = number[];

export interface Building { type: string; height: number; base: number; rings: Ring[] }
export interface Area { kind: string; rings: Ring[] }
export interface Road { kind: string; structure: string; oneway: boolean; line: number[] }

export interface City {
  source: string;
  attribution: string;
  buildings: Building[];
  areas: Area[];
  roads: Road[];
  bounds: [number, number, number, number]; // metres east and south of the centre that the data covers
  outline: Ring; // the same in view ground metres
}

interface CityFile {
  source: string; attribution: string; bounds: [number, number, number, number];
  buildings: Building[]; areas: Area[]; roads: Road[];
}

/** Turns a flat list of metres east and south into view ground metres. */
function turn(flat: number[]): number[] {
  const turned = new Array<number>(flat.length);
  for (let i = 0; i < flat.length; i += 2) [turned[i], turned[i + 1]] = toView(flat[i], flat[i + 1]);
  return turned;
}

/** Fetches the city; throws a plain sentence when it is missing or not a city. */
export async function loadCity(url: string): Promise<City> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The city file ${url} could not be read: the server answered ${answer.status}.`);
  const file = (await answer.json().catch(() => ({}))) as CityFile;
  if (!Array.isArray(file.buildings) || !Array.isArray(file.bounds)) throw new Error(`The file ${url} is not a city.`);
  const [x0, y0, x1, y1] = file.bounds;
  return {
    source: file.source,
    attribution: file.attribution,
    buildings: file.buildings.map((b) => ({ ...b, rings: b.rings.map((ring) => counterClockwise(turn(ring))) })),
    areas: file.areas.map((a) => ({ kind: a.kind, rings: a.rings.map(turn) })),
    roads: file.roads.map((r) => ({ ...r, line: turn(r.line) })),
    bounds: file.bounds,
    outline: turn([x0, y0, x1, y0, x1, y1, x0, y1]),
  };
}

/** Twice the signed area of a ring in square metres; positive when it runs counter-clockwise seen from above. */
export function doubleArea(ring: Ring): number {
  let sum = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) sum += ring[j] * ring[i + 1] - ring[i] * ring[j + 1];
  return sum;
}

/** A ring that runs counter-clockwise, so that walls know their outside. A hole is turned too; building.ts turns it back. */
export function counterClockwise(ring: Ring): Ring {
  if (doubleArea(ring) >= 0) return ring;
  const turned: Ring = [];
  for (let i = ring.length - 2; i >= 0; i -= 2) turned.push(ring[i], ring[i + 1]);
  return turned;
}

/** The box [x0, y0, x1, y1] around a flat list of points. */
export function boxOf(points: number[]): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    box[0] = Math.min(box[0], points[i]);
    box[1] = Math.min(box[1], points[i + 1]);
    box[2] = Math.max(box[2], points[i]);
    box[3] = Math.max(box[3], points[i + 1]);
  }
  return box;
}
