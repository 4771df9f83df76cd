// The one camera of the map: orthographic, as app_config.json says. The page learns it before this module runs.
//
// All geometry lives in view ground metres: x right on screen, y away from the eye along the ground, z up. World pixel
// (0, 0) is the map's origin at height 0; a world pixel's x grows to the right and its y downwards.

import { cameraSettings } from "./settings";

export const METRES_PER_PIXEL = cameraSettings.metres_per_pixel;
const AZIMUTH = (cameraSettings.azimuth * Math.PI) / 180;

// Of the angle that the eye looks down by. From the cosine of twice the angle: at 45 degrees both are the root of a half to
// the last bit, and straight down they are 1 and 0.
const twice = Math.sin(Math.PI / 2 - (2 * -cameraSettings.elevation * Math.PI) / 180);
export const SINE = Math.sqrt((1 - twice) / 2);
export const COSINE = Math.sqrt((1 + twice) / 2);

/** Pixels that one metre takes on screen: to the right, upwards for ground away from the eye, and upwards for heights. */
export const ACROSS = 1 / METRES_PER_PIXEL;
export const UP = SINE / METRES_PER_PIXEL;
export const RISE = COSINE / METRES_PER_PIXEL;

/** Metres that ground lies farther away when it shows at the same pixel as a point one metre high: RISE / UP. */
export const BEHIND = COSINE / SINE;

// Depth, and the screen's own axes, mix y and z by sine and cosine. The larger of the two stands before the bracket, so
// that at 45 degrees a plain sum or difference is left in it, which rounds in only one way.
export const LARGER = Math.max(SINE, COSINE);
export const OF_Y = COSINE / LARGER;
export const OF_Z = SINE / LARGER;

/** Turns metres east and south of the origin into view ground metres. */
export function toView(east: number, south: number): [number, number] {
  const [cos, sin] = [Math.cos(AZIMUTH), Math.sin(AZIMUTH)];
  return [east * cos + south * sin, east * sin - south * cos];
}

/** Turns view ground metres into metres east and south of the origin. */
export function fromView(x: number, y: number): [number, number] {
  const [cos, sin] = [Math.cos(AZIMUTH), Math.sin(AZIMUTH)];
  return [x * cos + y * sin, x * sin - y * cos];
}

/** Projects view ground metres to world pixels. */
export function toPixel(x: number, y: number, z: number): [number, number] {
  return [x * ACROSS, -(y + z * BEHIND) * UP];
}

/** Metres along the view axis from the plane through the world origin; larger is farther from the eye. */
export function depthOf(y: number, z: number): number {
  return (y * OF_Y - z * OF_Z) * LARGER;
}

/** The same for shaders. */
export const CAMERA_GLSL = /* glsl */ `
const float ACROSS = ${ACROSS.toFixed(8)};
const float UP = ${UP.toFixed(8)};
const float RISE = ${RISE.toFixed(8)};

/** View ground metres to world pixels. */
vec2 toPixel(vec3 p) {
  return vec2(p.x * ACROSS, -(p.y + p.z * ${BEHIND.toFixed(8)}) * UP);
}

/** Metres along the view axis from the plane through the world origin. */
float depthOf(vec3 p) {
  return (p.y * ${OF_Y.toFixed(8)} - p.z * ${OF_Z.toFixed(8)}) * ${LARGER.toFixed(8)};
}

/** A direction given to the right, upwards on screen and towards the eye, in view ground axes. */
vec3 fromScreen(vec3 v) {
  return vec3(v.x, (v.y * ${OF_Z.toFixed(8)} - v.z * ${OF_Y.toFixed(8)}) * ${LARGER.toFixed(8)}, (v.y * ${OF_Y.toFixed(8)} + v.z * ${OF_Z.toFixed(8)}) * ${LARGER.toFixed(8)});
}
`;
