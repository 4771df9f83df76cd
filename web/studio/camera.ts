/** Where on earth a place on the map lies; the same sums as the server's camera. Pure. */

import { SIZE } from "./geometry";

export interface Camera {
  latitude: number;
  longitude: number;
  azimuth: number;
  elevation: number;
  metres_per_pixel: number;
}

const RADIUS = 6_378_137;
const ECCENTRICITY_SQUARED = 6.69437999014e-3;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Latitude and longitude of the ground seen at a point given in quadrants from the world's origin. */
export function place(camera: Camera, x: number, y: number): [number, number] {
  const turn = radians(camera.azimuth);
  const right = x * SIZE * camera.metres_per_pixel;
  const up = (-y * SIZE * camera.metres_per_pixel) / Math.sin(radians(-camera.elevation));
  const east = right * Math.cos(turn) + up * Math.sin(turn);
  const north = -right * Math.sin(turn) + up * Math.cos(turn);
  const phi = radians(camera.latitude);
  const curve = 1 - ECCENTRICITY_SQUARED * Math.sin(phi) ** 2;
  const eastRadius = (RADIUS / Math.sqrt(curve)) * Math.cos(phi);
  const northRadius = (RADIUS * (1 - ECCENTRICITY_SQUARED)) / curve ** 1.5;
  return [
    camera.latitude + north / (radians(1) * northRadius),
    camera.longitude + east / (radians(1) * eastRadius),
  ];
}
