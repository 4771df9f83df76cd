// The colours of the city.

export type Colour = readonly [number, number, number];

/** Reads "#rrggbb". */
export function colour(hex: string): Colour {
  const n = parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

const list = (text: string): Colour[] => text.split(" ").map((hex) => colour(`#${hex}`));

/** Blends two colours; t 0 gives the first, 1 the second. */
export function mix(a: Colour, b: Colour, t: number): Colour {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** Darkens a colour (factor below 1) or lightens it. */
export function shade(a: Colour, factor: number): Colour {
  return [Math.min(255, a[0] * factor), Math.min(255, a[1] * factor), Math.min(255, a[2] * factor)];
}

export const HOUSES = list("f6ead2 efdcb6 f7f1e2 e9d5ac b9d4da 94b8c6 cbdab4 a9c29a f0c6b4 dc9f88 f2d98c ddb565 cbb8d6 aaa2c6 efece2 d2d8d6 86aca0 b96a58 7a96ba d3a672 f3d2c6 dfe6d6 f4e6c6");
export const APARTMENTS = list("f3e8d2 ead5b0 dfc49a c0694a ad5640 d3906a d7dad6 f6f1e6 ccbb9a a2b2bb e9c9a6");
export const COMMERCIAL = list("eee2ca d8caae c4bfb4 b05c46 93a5b0 e0ab4c f0efe8 86969c cf8f6c");
export const TOWERS = list("c2d0d8 9ab5c8 e0dac8 b59c84 7e99ad");
export const FLAT_ROOFS = list("b9b2a2 a69f93 c6bfae 908b87 d0cbbe a09184 807f86 b3a289 d6d1c4 949a98 b79c87 8b8f98");
export const PITCHED_ROOFS = list("8f5546 a3654c 796759 6a7380 877560 5d6a6c 94745a 76544c 90806f a97a5e 6f6a66 b4654a 6f8f84 a8604c");
export const TREES = list("3d7038 4b823e 34642f 5f9145 2f5a38 74994a");
export const AUTUMN = list("c9923f b9683c cdaa50 a5503e");
export const BLOSSOM = list("e3a6b4 d98ea4");
export const CONIFERS = list("24523a 2e6040 1f4a38 386b44");
export const CARS = list("f4f2ec d8d8d6 2b2e36 8a9098 b8322c 2f5f9e e0b23a 4a7a5c 5a6068 a8b8c4 d9682c");
export const AWNINGS = list("b8322c 2f6f5e 2f5f9e d9922c 7a3f6e e8e0cc");
export const SIGNS = list("c8322c 1f7a5c 2a5fa8 e0912c 7a3f8e 2b2e36 d94f7a 1f8a9a");

export const WARM_WHITE = colour("#fbf4e4");
export const DARK_BROWN = colour("#5a4538");
export const PAVEMENT = colour("#d2cbbd");
export const KERB = colour("#e9e4d8");
export const ASPHALT = colour("#84838a");
export const ASPHALT_SIDE = colour("#77777d");
export const MARKING = colour("#f1eee4");
export const MARKING_YELLOW = colour("#e6b94a");
export const PATH = colour("#d8c69c");
export const PARK = colour("#86a558");
export const LAWN = colour("#8bab5c");
export const WOOD = colour("#5e8046");
export const SCRUB = colour("#929c5c");
export const SOIL = colour("#8f7657");
export const PATIO = colour("#b3a189");
export const FENCE = colour("#7d6248");
export const HEDGE = colour("#4f7a3a");
export const SAND = colour("#d9c38f");
export const ROCK = colour("#a99f90");
export const PLAZA = colour("#c4bcae");
export const PITCH = colour("#6fa64f");
export const COURT = colour("#5b8f86");
export const TRACK = colour("#b5674e");
export const WATER = colour("#5f93b8");
export const RAIL_BED = colour("#7d766f");
export const RAIL = colour("#4a4a52");
