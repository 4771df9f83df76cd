// Walls with windows. The shader decides per 2 x 2 pixel cell, so windows are never cut by a cell of the pixel-art filter.

import type { BufferGeometry, RawShaderMaterial } from "three";
import { ACROSS, RISE, toPixel } from "./camera";
import type { Plan, Wall } from "./building";
import { Dice, hashPlace } from "./hash";
import { Material, normalCode } from "./material";
import { Mesh, pack, packColour, type Layout } from "./mesh";
import { AWNINGS, SIGNS, WARM_WHITE, mix, shade } from "./palette";
import { program } from "./program";
import type { Relief } from "./relief";
import { Pattern, type Solid } from "./solid";
import { cellsAcross, FLOOR, HAS_WINDOWS, STOREY_CELLS } from "./storey";

const LAYOUT: Layout = { floats: [["position", 3], ["foot", 4], ["size", 4]], words: ["paint", "trim", "tag", "facing", "style"] };

/** What a wall carries; the numbers are the shader's. */
const Style = { blank: 0, house: 1, rear: 2, apartment: 3, commercial: 4, tower: 5 } as const;
const Ground = { plain: 0, garage: 1, door: 2, shop: 3 } as const;

/** How much the drawing of a wall asks: nothing but its edges, windows and doors, or shops and the rhythm of high walls, too. */
const KINDS = ["blank", "plain", "rich"] as const;
type Kind = (typeof KINDS)[number];

/** The walls of one chunk, by what their drawing asks: a software renderer takes every step of a shader at every pixel. */
export class Facade {
  lift = 0; // metres that the walls which are added next stand higher
  private readonly meshes = { blank: new Mesh(LAYOUT), plain: new Mesh(LAYOUT), rich: new Mesh(LAYOUT) };

  /** Its geometries, each with the program that draws it. */
  parts(): [geometry: BufferGeometry | null, program: RawShaderMaterial][] {
    return KINDS.map((kind) => [this.meshes[kind].geometry(), facadePrograms[kind]]);
  }

  /** Adds a wall from a to b between two heights; its storeys are counted from the ground below it. */
  wall(plan: Plan, ax: number, ay: number, bx: number, by: number, z0: number, z1: number, style: number, columns: number, ground: number): void {
    const [px, py] = toPixel(ax, ay, this.lift);
    const [qx, qy] = toPixel(bx, by, this.lift);
    if (qx - px < 0.05) return;
    const length = Math.hypot(bx - ax, by - ay);
    const normal = [(by - ay) / length, -(bx - ax) / length, 0];
    const footAndSize = [px, py, (qy - py) / (qx - px), columns ? (qx - px) / columns : 0, z1, z0, columns, plan.floors];
    const words = [
      packColour(plan.wall, 0), packColour(plan.trim, 0),
      pack(plan.id >> 8, plan.id & 255, Material.wall, normalCode(normal[0], normal[1], 0)),
      pack(normal[0] * 127 + 128, normal[1] * 127 + 128, 128, 0),
      pack(style, ground, plan.seed & 255, (plan.seed >> 8) & 255),
    ];
    const mesh = this.meshes[kindOf(style, columns, ground, plan)];
    const corner = (x: number, y: number, z: number) => mesh.vertex(x, y, z + this.lift, words, footAndSize);
    const a = corner(ax, ay, z0), b = corner(bx, by, z0), c = corner(bx, by, z1), d = corner(ax, ay, z1);
    mesh.quad(a, b, c, d);
  }
}

function kindOf(style: number, columns: number, ground: number, { floors, seed }: Plan): Kind {
  if (!columns) return "blank";
  if (ground === Ground.shop) return "rich";
  return floors > 3.5 && (style === Style.apartment || style === Style.tower) && rhythmOf(style, seed) ? "rich" : "plain";
}

/** The rhythm of a high wall: 1 bands of glass, 2 piers, 0 single windows. */
function rhythmOf(style: number, seed: number): number {
  const roll = (seed & 0xffff) % (style === Style.tower ? 3 : 7);
  return roll < 3 ? roll : 0;
}

// The usual window and a wide one, in whole cells: 2 and 3 at the default camera.
const WINDOW = cellsAcross(1.17);
const WIDE = Math.max(WINDOW, cellsAcross(1.76));

/** How many window columns fit: by metres of wall, and by cells of screen. */
function columnsOf(plan: Plan, wall: Wall): number {
  const pixels = (wall.bx - wall.ax) * ACROSS;
  if (wall.side === "party" || wall.length < 1.6 || pixels < WINDOW * 2 + 0.4 || plan.cls === "shed" || !HAS_WINDOWS) return 0;
  const spacing = { house: wall.side === "front" ? 2.75 : 3.3, apartment: 2.9, commercial: 4.2, tower: 2.6, shed: 9 }[plan.cls];
  const narrowest = WINDOW * 2 + (plan.cls === "tower" ? 2 : 2.8);
  return Math.max(1, Math.min(Math.floor(wall.length / spacing), Math.floor(pixels / narrowest)));
}

/** Raises a building's camera-facing walls up to a height, with bays and awnings. */
export function raiseWalls(facade: Facade, solid: Solid, whole: Plan, highest: number, relief: Relief | null): void {
  const { lift } = facade;
  for (const wall of whole.walls) {
    // Where the ground beside a wall is higher than at the building's foot, its storeys begin as many higher.
    const sunk = relief && !whole.from ? sunkenStoreys(relief, wall, lift) : 0;
    const plan = sunk ? { ...whole, floors: whole.floors - sunk, from: -sunk * FLOOR } : whole;
    const top = highest - sunk * FLOOR;
    facade.lift = solid.lift = lift + sunk * FLOOR;
    const columns = columnsOf(plan, wall);
    const front = wall.side === "front";
    const style = columns === 0 ? Style.blank
      : plan.cls === "house" ? (front ? Style.house : Style.rear)
        : Style[plan.cls as "apartment" | "commercial" | "tower"];
    const dice = new Dice(hashPlace(wall.ax, wall.ay, 3));
    const ground = !front ? Ground.plain : plan.shop ? Ground.shop : plan.cls === "house" && dice.chance(0.8) && columns > 1 ? Ground.garage : Ground.door;
    facade.wall(plan, wall.ax, wall.ay, wall.bx, wall.by, plan.from, top, style, columns, ground);
    if (front && columns && plan.cls === "house" && plan.floors > 1 && wall.length > 4.8 && wall.length < 11 && dice.chance(0.62)) bay(facade, solid, plan, wall, top, dice);
    if (front && columns && plan.shop && wall.length > 3) awning(solid, plan, wall, dice);
    if (front && columns && plan.shop && wall.length > 5) blades(solid, plan, wall, dice);
  }
  facade.lift = solid.lift = lift;
}

/** The storeys of a building standing at a height that lie under the ground beside a wall, as many as are nearest. */
function sunkenStoreys(relief: Relief, { ax, ay, bx, by }: Wall, foot: number): number {
  const least = Math.min(...[0, 0.25, 0.5, 0.75, 1].map((t) => relief.at(ax + (bx - ax) * t, ay + (by - ay) * t)));
  return Math.max(0, Math.round((least - foot) / FLOOR - 0.1));
}

/** Hangs a bay from the first floor to the eaves: up to 3.4 m wide, 1.0 m deep, its sides splayed by 0.8 m: a cell on screen. */
function bay(facade: Facade, solid: Solid, plan: Plan, wall: Wall, top: number, dice: Dice): void {
  const [ux, uy] = [(wall.bx - wall.ax) / wall.length, (wall.by - wall.ay) / wall.length];
  const [nx, ny] = [uy, -ux];
  const half = Math.min(3.4, wall.length * 0.55) / 2;
  const middle = dice.chance(0.5) ? half + 0.4 : wall.length - half - 0.4;
  const at = (along: number, out: number): [number, number] => [wall.ax + ux * (middle + along) + nx * out, wall.ay + uy * (middle + along) + ny * out];
  const [a, b, c, d] = [at(-half, 0), at(-half + 0.8, 1), at(half - 0.8, 1), at(half, 0)];
  const [z0, z1] = [FLOOR, top - 0.5];
  const across = (p: [number, number], q: [number, number]) => (q[0] - p[0]) * ACROSS;
  const front = { ...plan, wall: mix(plan.wall, WARM_WHITE, 0.4) };
  const sides = { ...plan, wall: shade(plan.wall, 0.86) };
  facade.wall(front, ...b, ...c, z0, z1, Style.house, across(b, c) > WINDOW * 2 + 0.4 && HAS_WINDOWS ? 1 : 0, Ground.plain);
  facade.wall(sides, ...a, ...b, z0, z1, Style.blank, 0, Ground.plain);
  facade.wall(sides, ...c, ...d, z0, z1, Style.blank, 0, Ground.plain);
  solid.face([a, b, c, d].map(([x, y]) => [x, y, z1] as const), [0, 0, 1], { colour: plan.trim, id: plan.id, material: Material.trim });
}

const STRIPE = 4; // world pixels

/** Hangs a striped awning over a shop front: 1.4 m deep, 0.75 m drop, stripes of two cells. */
function awning(solid: Solid, plan: Plan, wall: Wall, dice: Dice): void {
  const [ux, uy] = [(wall.bx - wall.ax) / wall.length, (wall.by - wall.ay) / wall.length];
  const [nx, ny] = [uy, -ux];
  if (-ny < 0.5) return; // seen from the side it is a splinter
  const colour = dice.pick(AWNINGS);
  const least = dice.between(0.3, 0.8);
  const step = STRIPE / (ux * ACROSS);
  // The first stripe begins where a cell does.
  const margin = (Math.ceil((wall.ax + ux * least) * (ACROSS / 2)) * 2) / (ux * ACROSS) - wall.ax / ux;
  const stripes = Math.floor((wall.length - margin - least) / step);
  const drop = Math.hypot(1.4, 0.75);
  const normal = [(nx * 0.75) / drop, (ny * 0.75) / drop, 1.4 / drop] as const;
  for (let i = 0; i < stripes; i++) {
    const at = (along: number, out: number, z: number) => [wall.ax + ux * along + nx * out, wall.ay + uy * along + ny * out, z] as const;
    const [s, t] = [margin + i * step, margin + (i + 1) * step];
    const finish = { colour: i % 2 ? WARM_WHITE : colour, id: plan.id, material: Material.awning };
    solid.face([at(s, 0.02, 2.95), at(t, 0.02, 2.95), at(t, 1.4, 2.2), at(s, 1.4, 2.2)], normal, finish);
    solid.face([at(s, 1.4, 2.2), at(t, 1.4, 2.2), at(t, 1.4, 1.85), at(s, 1.4, 1.85)], [nx, ny, 0], { ...finish, colour: shade(finish.colour, 0.85), pattern: Pattern.none });
  }
}

/** Hangs signs that stand out from a shop front, above its sign band, one for every 14 m or so. */
function blades(solid: Solid, plan: Plan, wall: Wall, dice: Dice): void {
  const [ux, uy] = [(wall.bx - wall.ax) / wall.length, (wall.by - wall.ay) / wall.length];
  for (let along = dice.between(0.8, 6); along < wall.length - 0.8; along += dice.between(9, 18)) {
    const finish = { colour: dice.pick(SIGNS), id: plan.id, material: Material.awning };
    const [x, y] = [wall.ax + ux * along + uy * 0.6, wall.ay + uy * along - ux * 0.6];
    solid.box(x, y, ux, uy, 0.3, 0.55, FLOOR + 0.1, FLOOR + dice.between(1.3, 2.4), finish, { ...finish, colour: shade(finish.colour, 1.25) });
  }
}

const facade = (kind: Kind) => program(
  /* glsl */ `
in vec3 position;
in vec4 foot, size;
in uint paint, trim, tag, facing, style;
flat out vec4 wallFoot, wallSize, colour, trimColour, kind;
flat out uint object;
flat out vec3 sunny; // the light of the sun on it
flat out vec2 start;
void main() {
  wallFoot = foot;
  wallSize = size;
  colour = bytes(paint) / 255.0;
  trimColour = bytes(trim) / 255.0;
  object = tag;
  kind = bytes(style);
  vec3 normal = (bytes(facing).xyz - 128.0) / 127.0;
  sunny = SUN_COLOUR * max(dot(normal, SUN), 0.0);
  // The light is asked for 0.3 m before the wall, so that it does not lie in its own shadow.
  start = shadowStart + normal.xy * (0.3 * SHADOW_TEXELS);
  gl_Position = project(position);
}`,
  /* glsl */ `
flat in vec4 wallFoot, wallSize, colour, trimColour, kind;
flat in uint object;
flat in vec3 sunny;
flat in vec2 start;

const vec3 GLASS = vec3(0.200, 0.271, 0.369), SKY = vec3(0.333, 0.451, 0.561);
const vec3 LAMP = vec3(0.961, 0.859, 0.620), BLIND = vec3(0.859, 0.839, 0.780);

/** A cell's place among the four bands of a storey: -0.5 to 0.5 is the first. A hair low, so that a middle on a border has a side. */
float band(float row) {
  return (row + 0.5) * ${(4 / STOREY_CELLS).toFixed(8)} - 0.51;
}

void main() {
  vec2 pixel = gl_FragCoord.xy + block.xy;
  vec2 cell = floor(pixel * 0.5);
  vec2 middle = cell * 2.0 + 1.0;
  float top = wallSize.x, columns = wallSize.z, floors = wallSize.w;
  int look = int(kind.x + 0.5), ground = int(kind.y + 0.5);
  float seed = kind.z + kind.w * 256.0;
  vec3 c = colour.rgb;
  uint material = ${Material.wall}u;

  // Rows of cells from the top of the wall, which is sheared with the street on screen.
  float eaves = wallFoot.y + wallFoot.z * (middle.x - wallFoot.x) - top * RISE;
  float fromTop = band(cell.y - floor(eaves * 0.5 + 0.5));
  float wallHeight = (wallFoot.y + wallFoot.z * (pixel.x - wallFoot.x) - pixel.y) / ${Math.max(RISE, 1e-3).toFixed(8)};

  bool window = false, shop = false;
${kind === "blank" ? "" : `
  {
    float width = wallFoot.w; // pixels per column
    float k = clamp(floor((middle.x - wallFoot.x) / width), 0.0, columns - 1.0);
    float centre = wallFoot.x + (k + 0.5) * width;
    float footCell = floor((wallFoot.y + wallFoot.z * (centre - wallFoot.x)) * 0.5 + 0.5);
    float row = footCell - 1.0 - cell.y;
    float storey = floor(row / ${STOREY_CELLS}.0);
    float r = band(row - storey * ${STOREY_CELLS}.0);
    float wide = width >= ${(WIDE * 4 + 0.5).toFixed(1)} ? ${WIDE}.0 : ${WINDOW}.0;
    bool street = storey < 0.5 && ground > 0;
    bool garage = street && ground == 1 && k < 0.5;
    bool door = street && (ground == 1 ? abs(k - 1.0) < 0.5 : ground == 2 && abs(k - floor(columns * 0.5)) < 0.5);
    if (garage) wide = width >= ${(WIDE * 2 + 2).toFixed(1)} ? ${WIDE}.0 : ${WINDOW}.0;
    float left = floor(centre * 0.5 - wide * 0.5 + 0.5);
    float dx = cell.x - left;
    uint chance = dice(vec2(k, storey), seed + 3.0);
    float luck = float(int(chance) & 255) / 256.0;
    bool inside = dx > -0.5 && dx < wide - 0.5;
    // High walls have a rhythm of their own: bands of glass, piers, or single windows.
${kind === "plain" ? "" : `
    int rhythm = (look == 3 || look == 5) && floors > 3.5 ? int(mod(seed, look == 5 ? 3.0 : 7.0)) : 0;
    if (rhythm == 1 && !street && row > -0.5) {
      inside = cell.x > floor((wallFoot.x + k * width) * 0.5 + 0.5) - 0.5 || mod(k, 3.0) > 0.5;
      if (r < 0.5) c = mix(c, trimColour.rgb, 0.5);
    }
    if (rhythm == 2 && !inside) c *= dx < 0.0 ? 1.06 : 0.86;`}
    if (row > -0.5 && storey < floors - 0.5 && fromTop > 0.5) {
${kind === "plain" ? "" : `
      if (street && ground == 3) {
        // A shop: glass between piers, a sign above it.
        float pier = floor((wallFoot.x + k * width) * 0.5 + 0.5);
        if (r > 2.5) {
          // Letters are cells of light here and there, away from the board's ends.
          uint letters = dice(vec2(floor(k * 0.5), seed), 5.0);
          float at = cell.x - pier + (fract(k * 0.5) > 0.25 ? floor(width * 0.5) : 0.0);
          c = 0.42 + 0.36 * cos(6.2832 * (float(int(letters) & 15) / 16.0 + vec3(0.0, 0.33, 0.67)));
          if (at > 1.5 && at < width - 1.5 && ((int(letters) >> (8 + (int(at) & 15))) & 1) == 1) c = vec3(0.98, 0.95, 0.85);
          shop = true;
          material = ${Material.trim}u;
        }
        else if (cell.x == pier || r < 0.5) c = trimColour.rgb * 0.8;
        else { window = true; c = r > 1.5 ? SKY * 1.1 : luck < 0.45 ? LAMP * 0.85 : GLASS * 1.15; }
      } else`}
      if (garage && inside && r < 2.5) {
        c = mix(trimColour.rgb, vec3(0.62, 0.52, 0.44), 0.35) * (r > 1.5 ? 0.98 : r > 0.5 ? 0.86 : 0.92);
        material = ${Material.trim}u;
      } else if (door && inside && r < 2.5) {
        c = r > 1.5 ? SKY : mix(vec3(0.42, 0.22, 0.18), vec3(0.20, 0.28, 0.34), step(0.5, luck));
        material = r > 1.5 ? ${Material.glass}u : ${Material.trim}u;
      } else if (inside && !garage && !door && !(look == 2 && luck > 0.78) && fromTop > 1.5) {
        if (r > 0.5 && r < 2.5) {
          window = true;
          float lit = float((int(chance) >> 8) & 255) / 256.0;
          c = r > 1.5 ? SKY : GLASS;
          if (lit < 0.14) c = LAMP * (r > 1.5 ? 1.0 : 0.9);
          else if (lit < 0.38 && r > 1.5) c = BLIND;
        } else if (r < 0.5 ? look == 1 || look == 3 : look == 1) { c = trimColour.rgb; material = ${Material.trim}u; }
      }
      if (look == 5 && !window) c *= r > 2.5 ? 0.90 : 1.0;
      if (look == 4 && r > 2.5 && !street) c *= 0.93;
    }
  }`}
  if (fromTop < 0.5) { c = trimColour.rgb; material = ${Material.trim}u; }
  else if (fromTop < 1.5) c *= look == 0 ? 0.90 : 0.80;
  if (window) material = ${Material.glass}u;
  c *= mix(0.70, 1.0, clamp(wallHeight / 2.6, 0.0, 1.0));
  vec3 lighting = AMBIENT_OF_WALLS + sunny * sunlightHere(heightHere(), start, 0.5);
  if (window || shop) lighting = mix(lighting, vec3(1.0), 0.35);
  plane(c * lighting, (object & 0xff00ffffu) | (material << 16));
}`,
);

const facadePrograms: Record<Kind, RawShaderMaterial> = { blank: facade("blank"), plain: facade("plain"), rich: facade("rich") };
