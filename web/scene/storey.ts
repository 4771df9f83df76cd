// How storeys and windows meet the 2-pixel cells of the pixel-art filter, whatever the camera.

import { ACROSS, RISE } from "./camera";

const CELL = 2; // world pixels
const USUAL = 3.31; // metres

/**
 * The cells that a storey is high on screen: the whole number nearest to a usual storey. That is 4 at the default camera;
 * the shader of facade.ts draws a storey as four bands and gives each its share of the cells.
 */
export const STOREY_CELLS = Math.max(1, Math.round((USUAL * RISE) / CELL));

/** Under two cells a storey has no room for a window: walls are then plain. */
export const HAS_WINDOWS = STOREY_CELLS >= 2;

/** Metres from floor to floor: whole cells where there are windows to align (33 % off the usual at most), else the usual. */
export const FLOOR = HAS_WINDOWS ? (STOREY_CELLS * CELL) / RISE : USUAL;

/** The whole cells next to a width in metres, at least one. */
export function cellsAcross(metres: number): number {
  return Math.max(1, Math.round((metres * ACROSS) / CELL));
}
