// What a city consists of, in view ground metres.

import { toView } from "./camera";

/** A closed ring [x, y, x, y, …] in view ground metres; the last point is not repeated. */
export type Ring = number[];

/** What the border of a source tile cut: its tile, and its rings in the grid of tiles, where borders are whole numbers. */
export interface Cut { zoom: number; column: number; row: number; units: number; id: number | undefined; rings: { x: number; y: number }[][] }

export interface Building { type: string; height: number; base: number; rings: Ring[]; cut?: Cut }
/** A piece of an area that a border cut lies in the whole one, which says where its lines are painted. */
export interface Area { kind: string; rings: Ring[]; cut?: Cut; whole?: Ring[] }
export interface Road { kind: string; structure: string; oneway: boolean; line: number[] }

/** What a source says about a piece of ground. */
export interface Features { buildings: Building[]; areas: Area[]; roads: Road[] }

/** Ground of which nothing is known but that nothing stands on it. */
export const NOTHING: Features = { buildings: [], areas: [], roads: [] };

/** To whole centimetres: what the same place is called in two tiles then agrees. */
export const round = (metres: number): number => Math.round(metres * 100) / 100;

/** Turns a flat list of metres east and south into view ground metres. */
export function turn(flat: number[]): number[] {
  const turned = new Array<number>(flat.length);
  for (let i = 0; i < flat.length; i += 2) [turned[i], turned[i + 1]] = toView(flat[i], flat[i + 1]);
  return turned;
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

/** Rings as earcut takes them: their points one after the other, and where each hole begins. */
export function flattened(rings: readonly Ring[]): { flat: number[]; holes: number[] } {
  const flat: number[] = [];
  const holes: number[] = [];
  rings.forEach((ring, i) => {
    if (i) holes.push(flat.length / 2);
    for (const value of ring) flat.push(value);
  });
  return { flat, holes };
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
