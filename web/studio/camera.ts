/** Where on earth a place on the map lies; the same sums as the server's camera. Pure. */

import { SIZE } from "./geometry";

export interface Camera {
  latitude: number;
  longitude: number;
  azimuth: number;
  elevation: number;
  metres_per_pixel: number;
}

const EARTH = 6_378_137;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Latitude and longitude of the ground seen at a point given in quadrants from the world's origin. */
export function place(camera: Camera, x: number, y: number): [number, number] {
  const turn = radians(camera.azimuth);
  const right = x * SIZE * camera.metres_per_pixel;
  const up = (-y * SIZE * camera.metres_per_pixel) / Math.sin(radians(-camera.elevation));
  const east = right * Math.cos(turn) + up * Math.sin(turn);
  const north = -right * Math.sin(turn) + up * Math.cos(turn);
  // The ground is Web Mercator, scaled at the origin: services/tiling/camera.py says why.
  const radius = EARTH * Math.cos(radians(camera.latitude));
  const stretched = Math.asinh(Math.tan(radians(camera.latitude))) + north / radius;
  const longitude = camera.longitude + east / radius / radians(1);
  return [(2 * Math.atan(Math.tanh(stretched / 2))) / radians(1), longitude - 360 * Math.floor(longitude / 360 + 0.5)];
}
