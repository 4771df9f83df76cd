// What is too small to be seen is not built, so that a frame of a coarse map costs little more than one of a fine map.

import { ACROSS } from "./camera";

/** Whether something so many metres wide may decide a pixel's colour; narrower things only flicker from pixel to pixel. */
export const shows = (metres: number): boolean => metres * ACROSS > 0.75;
