// Trees: where they stand, and their sprites.

import { ACROSS, COSINE, RISE, SINE } from "./camera";
import { Dice, hash, hashPlace } from "./hash";
import { SUN } from "./light";
import { On, valueAt, type Field, type Mask } from "./mask";
import { Material, treeId } from "./material";
import { pack, packColour } from "./mesh";
import { AUTUMN, BLOSSOM, CONIFERS, shade, TREES, type Colour } from "./palette";
import type { Relief } from "./relief";
import type { Shade } from "./shade";
import { DOT, type Dot, type Sprites } from "./sprite";

const GRID = 5.2; // metres between the places where a tree may stand
const SHAPES = 8; // of a crown of each size
const LEAST = 2.5; // dots; a narrower crown is drawn three dots wide

// The four tones of a crown, dark to light: what 128 times the tree's colour is multiplied by.
const TONES: readonly Colour[] = [[68, 72, 82], [104, 104, 102], [140, 142, 132], [188, 190, 150]];
const TRUNK: Colour = [86, 66, 52];

/** Plants a tree with a crown of so many metres of radius. */
function plant(trees: Sprites, shadow: Shade, x: number, y: number, radius: number, colour: Colour, conifer: boolean, relief: Relief | null): void {
  const seed = hashPlace(x, y, 31);
  const id = treeId(seed);
  // Its sprite shows a conifer from the side; seen steeply from above it is as round as any tree.
  conifer &&= COSINE > 0.35;
  const half = conifer ? radius * 1.75 : radius;
  const z = conifer ? half * 0.8 : radius * 1.25;
  const wide = (2 * half * ACROSS) / DOT;
  // On a coarse map a crown is drawn wider than it is, and so much fewer of them stand: as much ground is green as ever.
  if ((seed & 0xff) / 256 >= (wide / LEAST) ** 2) return;
  const across = Math.max(3, Math.round(wide));
  const shape = (seed >>> 8) % SHAPES;
  const middle = Math.round((z * RISE) / DOT); // dots from the ground up to the crown's middle
  // From whole dots only: trees that share a sprite must not differ by who was drawn first.
  const up = middle ? (middle * DOT) / RISE : 0;
  const dot = (px: number, py: number) => (conifer ? coniferDot : roundDot)(px, py + middle * DOT, (across * DOT) / 2, up, shape);
  const left = -(across >> 1);
  const ground = shadow.lift = relief?.at(x, y) ?? 0;
  trees.put(`${conifer ? "conifer" : "round"} ${across} ${middle} ${shape}`, left, left - middle, across, across, dot, { x, y, high: z, lies: false, ground },
    packColour(colour, 0), pack(id >> 8, id & 255, Material.tree, 0));
  shadow.disc(x, y, conifer ? z * 0.5 : z, radius * (conifer ? 0.75 : 0.88));
  if (conifer) shadow.disc(x, y, z * 1.2, radius * 0.4);
  shadow.lift = 0;
}

/** Plants the trees of parks, woods and gardens whose place on the jittered grid falls into a square of ground. */
export function plantGround(trees: Sprites, shadow: Shade, mask: Mask, settled: Field, x0: number, y0: number, x1: number, y1: number, within: (x: number, y: number) => boolean, relief: Relief | null): void {
  for (let j = Math.ceil(y0 / GRID); j < y1 / GRID; j++) {
    for (let i = Math.ceil(x0 / GRID); i < x1 / GRID; i++) {
      const dice = new Dice(hash(i, j, 41));
      const [x, y] = [i * GRID + dice.between(-1.9, 1.9), j * GRID + dice.between(-1.9, 1.9)];
      const roll = dice.roll();
      const here = mask.at(x, y);
      if (here & (On.building | On.street | On.bare | On.path) || !within(x, y)) continue;
      if ([[1.6, 0], [-1.6, 0], [0, 1.6], [0, -1.6]].some(([dx, dy]) => mask.at(x + dx, y + dy) & (On.building | On.asphalt))) continue;
      if (here & On.wood) {
        if (roll < 0.8) wild(trees, shadow, x, y, dice, dice.chance(0.45), 2.2, 3.4, relief);
      } else if (here & On.park || valueAt(settled, x, y) < 0.1) {
        const clump = hash(Math.floor(x / 27), Math.floor(y / 27), 42) % 100 < 24;
        if (roll < (clump ? 0.55 : 0.07)) wild(trees, shadow, x, y, dice, dice.chance(0.25), 1.9, 3.1, relief);
      } else if (roll < 0.3) {
        const colour = dice.chance(0.1) ? dice.pick(BLOSSOM) : dice.pick(TREES);
        plant(trees, shadow, x, y, dice.between(1.3, 2.5), colour, false, relief);
      }
    }
  }
}

function wild(trees: Sprites, shadow: Shade, x: number, y: number, dice: Dice, conifer: boolean, least: number, most: number, relief: Relief | null): void {
  const colour = conifer ? dice.pick(CONIFERS) : dice.chance(0.05) ? dice.pick(AUTUMN) : dice.pick(TREES);
  plant(trees, shadow, x, y, dice.between(least, most) * (conifer ? 0.8 : 1), colour, conifer, relief);
}

/** Plants a street tree. */
export function plantStreet(trees: Sprites, shadow: Shade, x: number, y: number, seed: number, relief: Relief | null): void {
  const dice = new Dice(seed);
  const colour = dice.chance(0.17) ? shade(dice.pick(AUTUMN), 0.95) : dice.pick(TREES);
  plant(trees, shadow, x, y, dice.between(1.9, 2.9), colour, false, relief);
}

/** The tone that a normal given to the right, upwards on screen and towards the eye has in the sun. */
function toneOf(nx: number, ny: number, nz: number, luck: number): Colour {
  const length = Math.hypot(nx, ny, nz);
  const light = (nx * SUN[0] + (ny * SINE - nz * COSINE) * SUN[1] + (ny * COSINE + nz * SINE) * SUN[2]) / length + (luck - 0.5) * 0.3;
  return TONES[light > 0.74 ? 3 : light > 0.42 ? 2 : light > 0.08 ? 1 : 0];
}

/** A dot of a round crown of five lumps around a sixth. */
function roundDot(px: number, py: number, half: number, z: number, shape: number): Dot | null {
  const odd = Math.round((half * 2) / DOT) % 2 ? 0.5 * DOT : 0; // an odd crown's middle is the middle of a dot
  const [x, y] = [(px - odd) / half, -(py - odd) / half];
  const dice = new Dice(shape + 1);
  let best = -1;
  let normal: [number, number, number] = [0, 0, 1];
  const turn = dice.roll();
  for (let i = 0; i < 6; i++) {
    const [reach, size] = i === 5 ? [0, 0.76] : [dice.between(0.42, 0.52), dice.between(0.44, 0.54)];
    const [dx, dy] = [x - Math.cos((i + turn) * 1.2566) * reach, y - Math.sin((i + turn) * 1.2566) * reach];
    const square = size * size - dx * dx - dy * dy;
    if (square <= 0) continue;
    const near = Math.sqrt(square) + (i === 5 ? 0 : 0.12);
    if (near > best) [best, normal] = [near, [dx / size, dy / size, Math.sqrt(square) / size]];
  }
  if (best < 0) return null;
  const bulge = Math.sqrt(Math.max(0, 1 - x * x - y * y));
  const luck = hash(px, py, shape + 60) / 4294967296;
  const colour = toneOf(normal[0] * 0.55 + x * 0.6, normal[1] * 0.55 + y * 0.6, normal[2] * 0.55 + bulge * 0.6, luck);
  const metres = half / ACROSS;
  return { colour, tints: true, height: z + (y * COSINE + bulge * 0.8 * SINE) * metres };
}

/** A dot of a conifer: tiers on a short trunk. */
function coniferDot(px: number, py: number, half: number, z: number, shape: number): Dot | null {
  const odd = Math.round((half * 2) / DOT) % 2 ? 0.5 * DOT : 0;
  const [x, y] = [(px - odd) / half, -(py - odd) / half];
  const t = y * 0.5 + 0.5;
  const metres = half / ACROSS;
  const height = z + (y * COSINE + 0.2 * SINE) * metres;
  if (t < 0.09) return Math.abs(px - odd) <= DOT * 0.6 ? { colour: TRUNK, tints: false, height } : null;
  const tier = (t * 3.4 + shape * 0.045) % 1;
  const width = (0.56 - 0.54 * t) * (1.12 - 0.42 * tier);
  if (Math.abs(x) > Math.max(width, (0.55 * DOT) / half)) return null;
  const luck = hash(px, py, shape + 70) / 4294967296;
  return { colour: toneOf((x / Math.max(width, 0.05)) * 0.9, 0.15 - 0.45 * (1 - tier), 0.7, luck), tints: true, height };
}
