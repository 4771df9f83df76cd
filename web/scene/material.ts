// What the object plane says about a pixel: an id of 16 bits, a material class, a normal code.

/** Material classes: the blue byte of the object plane. */
export const Material = {
  nothing: 0,
  wall: 1, // building walls, bays, chimneys
  roof: 2, // flat roofs and pitched roofs
  trim: 3, // parapets, cornices, bargeboards
  glass: 4, // windows, skylights, solar panels
  prop: 5, // what stands on a roof
  awning: 6,
  ground: 16, // soil, patios, sand, rock
  road: 17, // asphalt
  pavement: 18, // pavements, plazas, footpaths
  kerb: 19,
  marking: 20, // lane marks, zebras, stop lines
  green: 21, // lawns, gardens, parks, pitches
  water: 22,
  rail: 23,
  fence: 24, // fences and hedges, flat on the ground
  tree: 32,
  car: 33,
} as const;

/** The material of a tile set, which does not say what it shows: of no class. */
export const SURFACE = 48;

/** Object ids: ground layers have fixed ids, everything else hashes into the range of its kind. */
const CARS = 1024;
const TREES = 4096;
const BUILDINGS = 16384;

/** The object id of a building, from a hash of its place. */
export const buildingId = (h: number): number => BUILDINGS + (h % (65536 - BUILDINGS));
/** The object id of a tree, from a hash of its place. */
export const treeId = (h: number): number => TREES + (h % (BUILDINGS - TREES));
/** The object id of a car, from a hash of its place. */
export const carId = (h: number): number => CARS + (h % (TREES - CARS));

/**
 * The normal code of a unit normal in view ground metres: 0 up, 1-8 pitched by azimuth in steps of 45 degrees, 10-25 a
 * wall by azimuth in steps of 22.5 degrees; azimuth 0 faces right, a quarter turn on faces away from the eye.
 */
export function normalCode(nx: number, ny: number, nz: number): number {
  if (nz > 0.98) return 0;
  const turn = (Math.atan2(ny, nx) / (2 * Math.PI) + 1) % 1;
  return nz > 0.1 ? 1 + (Math.round(turn * 8) % 8) : 10 + (Math.round(turn * 16) % 16);
}
