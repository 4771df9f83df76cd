// The one camera: orthographic, azimuth -15 degrees, elevation -45 degrees, 300 m of view height over 1024 pixels.
//
// All geometry lives in view ground metres: x right on screen, y away from the eye along the ground, z up. World pixel
// (0, 0) is the city's centre at height 0; a world pixel's x grows to the right and its y downwards.

export const METRES_PER_PIXEL = 300 / 1024;
export const TILT = Math.SQRT1_2; // sine and cosine of the 45 degrees elevation are the same number
const AZIMUTH = (-15 * Math.PI) / 180;

/** Pixels that one metre takes on screen: to the right, and upwards for heights and for ground away from the eye. */
export const ACROSS = 1 / METRES_PER_PIXEL;
export const UP = TILT / METRES_PER_PIXEL;

/** A storey is 8 world pixels high on screen, so windows meet the 2-pixel cells of the pixel-art filter on every floor. */
export const FLOOR = 8 / UP;

/** Turns metres east and south of the centre into view ground metres. */
export function toView(east: number, south: number): [number, number] {
  const [cos, sin] = [Math.cos(AZIMUTH), Math.sin(AZIMUTH)];
  return [east * cos + south * sin, east * sin - south * cos];
}

/** Projects view ground metres to world pixels. */
export function toPixel(x: number, y: number, z: number): [number, number] {
  return [x * ACROSS, -(y + z) * UP];
}

/** Metres along the view axis from the plane through the world origin; larger is farther from the eye. */
export function depthOf(y: number, z: number): number {
  return (y - z) * TILT;
}
