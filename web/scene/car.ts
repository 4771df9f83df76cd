// Cars, vans and buses: sprites in 32 directions, drawn from two boxes each.

import { ACROSS, BEHIND, RISE, UP } from "./camera";
import { shows } from "./detail";
import { Dice } from "./hash";
import { SUN } from "./light";
import { carId, Material } from "./material";
import { pack, packColour } from "./mesh";
import { CARS, colour, type Colour } from "./palette";
import type { Relief } from "./relief";
import type { Shade } from "./shade";
import { DOT, type Dot, type Sprites } from "./sprite";
import type { Stop } from "./street";

/** Metres: length, width, height; where its cabin begins and ends, in lengths from the middle; how high its bonnet is. */
const KINDS = {
  car: { length: 4.5, width: 1.95, height: 1.5, from: -0.4, to: 0.2, bonnet: 0.85 },
  van: { length: 5.2, width: 2.1, height: 2.2, from: -0.5, to: 0.36, bonnet: 1.1 },
  bus: { length: 10.5, width: 2.6, height: 3.0, from: -0.5, to: 0.5, bonnet: 1.3 },
} as const;
type Kind = keyof typeof KINDS;

const BUSES: Colour[] = [colour("#d9682c"), colour("#b8322c"), colour("#d8d8d6")];
const GLASS = colour("#2c3846"), SCREEN = colour("#7f9cb4"), TYRE = colour("#23232a"), LAMP = colour("#fff0c4"), REAR_LAMP = colour("#c8302a");
const DIRECTIONS = 32;
const plain = (factor: number): Colour => [128 * factor, 128 * factor, 128 * factor];

/** Puts a car where a street has a place for one. */
export function park(cars: Sprites, shadow: Shade, { x, y, ux, uy, seed }: Stop, relief: Relief | null): void {
  if (!shows(KINDS.car.height)) return;
  const dice = new Dice(seed);
  const roll = dice.roll();
  const kind: Kind = roll < 0.02 ? "bus" : roll < 0.1 ? "van" : "car";
  const { length, width, height } = KINDS[kind];
  const id = carId(seed);
  const turn = ((Math.round((Math.atan2(uy, ux) / (2 * Math.PI)) * DIRECTIONS) % DIRECTIONS) + DIRECTIONS) % DIRECTIONS;
  const [dx, dy] = [Math.cos((turn * 2 * Math.PI) / DIRECTIONS), Math.sin((turn * 2 * Math.PI) / DIRECTIONS)];
  const half = Math.ceil(((Math.abs(dx) * length + Math.abs(dy) * width) / 2) * (ACROSS / DOT));
  const deep = Math.ceil(((Math.abs(dy) * length + Math.abs(dx) * width) / 2) * (UP / DOT));
  const high = Math.ceil((height * RISE) / DOT);
  // Of two cars that overlap on screen, the plane of the nearer one is the higher.
  const over = (s: number, t: number) => [x + ux * s * length - uy * t * width, y + uy * s * length + ux * t * width] as const;
  const ground = shadow.lift = relief?.at(x, y) ?? 0;
  // On a slope its plane clears the higher end.
  const rise = relief ? Math.max(...[-0.5, 0.5].flatMap((s) => [-0.5, 0.5].map((t) => relief.at(...over(s, t)) - ground))) : 0;
  const place = { x, y, high: rise + 0.5 + 0.4 * (((-y / 32) % 1) + 1) % 1, lies: true, ground };
  cars.put(`${kind} ${turn}`, -half, -deep - high, half * 2, deep * 2 + high, (px, py) => carDot(kind, dx, dy, px, py), place,
    packColour(dice.pick(roll < 0.02 ? BUSES : CARS), 0), pack(id >> 8, id & 255, Material.car, 0));
  const at = (s: number, t: number) => [...over(s, t), height * 0.6] as const;
  shadow.face([at(-0.5, -0.5), at(0.5, -0.5), at(0.5, 0.5), at(-0.5, 0.5)]);
  shadow.lift = 0;
}

/** What the ray through a point of the screen hits first, going down through the car in steps of 5 cm. */
function carDot(kind: Kind, dx: number, dy: number, px: number, py: number): Dot | null {
  const { length, width, height, from, to, bonnet } = KINDS[kind];
  let above: [s: number, t: number] | null = null; // where the ray was a step higher
  for (let z = height; z > 0.1; z -= 0.05) {
    const [gx, gy] = [px / ACROSS, -py / UP - z * BEHIND];
    const [s, t] = [(gx * dx + gy * dy) / length, (-gx * dy + gy * dx) / width];
    const cabin = z > bonnet;
    const slope = cabin && kind === "car" ? (0.1 * (z - bonnet)) / (height - bonnet) : 0;
    const [back, front, side] = cabin ? [from + slope, to - slope, 0.46 - slope * 0.3] : [-0.5, 0.5, 0.5];
    if (s < back || s > front || Math.abs(t) > side) {
      above = [s, t];
      continue;
    }
    if (!above || (!cabin && z > bonnet - 0.06)) return { colour: plain(cabin ? 1.12 : 0.98), tints: true, height: z };
    // It came in through a side, or through an end.
    const end = above[0] < back || above[0] > front;
    const ahead = s > (back + front) / 2;
    const [nx, ny] = end ? [ahead ? dx : -dx, ahead ? dy : -dy] : [t > 0 ? -dy : dy, t > 0 ? dx : -dx];
    const sunny = nx * SUN[0] + ny * SUN[1] > 0.1;
    if (cabin && (kind === "car" || z < height - 0.35)) return { colour: end && ahead && sunny ? SCREEN : GLASS, tints: false, height: z };
    if (z < 0.34) return { colour: TYRE, tints: false, height: z };
    if (end && z > 0.4 && z < bonnet && Math.abs(t) > 0.28) return { colour: ahead ? LAMP : REAR_LAMP, tints: false, height: z };
    return { colour: plain(sunny ? 0.84 : 0.62), tints: true, height: z };
  }
  return null;
}
