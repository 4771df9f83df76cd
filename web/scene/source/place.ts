// Where tiles lie on the ground: web mercator columns and rows, and metres east and south of the world's origin.

import { cameraSettings } from "../settings";

const EARTH = 40075016.686; // metres around the equator, as web mercator has it

const [lat, lon] = [cameraSettings.latitude, cameraSettings.longitude].map((degrees) => (degrees * Math.PI) / 180);
const shrink = EARTH * Math.cos(lat); // web mercator stretches by 1 / cos(latitude)
const centreX = lon / (2 * Math.PI) + 0.5;
const centreY = 0.5 - Math.log(Math.tan(Math.PI / 4 + lat / 2)) / (2 * Math.PI);

/** Metres east and south of the origin, of a place given in columns and rows of a zoom, fractions of a tile included. */
export function metresOf(zoom: number, column: number, row: number): [number, number] {
  return [(column / 2 ** zoom - centreX) * shrink, (row / 2 ** zoom - centreY) * shrink];
}

/** Column and row of a zoom, fractions included, of a place in metres east and south of the origin. */
export function tileOf(zoom: number, east: number, south: number): [number, number] {
  return [(east / shrink + centreX) * 2 ** zoom, (south / shrink + centreY) * 2 ** zoom];
}

/** Metres east and south of the origin, of a longitude and a latitude in degrees. */
export function metresAt(longitude: number, latitude: number): [number, number] {
  const phi = (latitude * Math.PI) / 180;
  return metresOf(0, longitude / 360 + 0.5, 0.5 - Math.log(Math.tan(Math.PI / 4 + phi / 2)) / (2 * Math.PI));
}

/** To whole centimetres: what the same place is called in two tiles then agrees. */
export const round = (metres: number): number => Math.round(metres * 100) / 100;
