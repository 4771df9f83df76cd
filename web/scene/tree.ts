// Trees. The camera never turns, so a tree is one quad that faces it; the shader makes it round.

import { BufferAttribute, InstancedBufferAttribute, InstancedBufferGeometry } from "three";
import { COSINE } from "./camera";
import { Dice, hash, hashPlace } from "./hash";
import { On, valueAt, type Field, type Mask } from "./mask";
import { Material, treeId } from "./material";
import { pack, packColour } from "./mesh";
import { AUTUMN, BLOSSOM, CONIFERS, shade, TREES, type Colour } from "./palette";
import { program } from "./program";
import type { Shade } from "./shade";

const GRID = 5.2; // metres between the places where a tree may stand

/** The trees of one chunk. */
export class Trees {
  private readonly places: number[] = [];
  private readonly words: number[] = [];

  /** Plants a tree with a crown of so many metres of radius. */
  plant(shadow: Shade, x: number, y: number, radius: number, colour: Colour, conifer: boolean): void {
    const seed = hashPlace(x, y, 31);
    const id = treeId(seed);
    // Its quad shows a conifer from the side; seen steeply from above it is as round as any tree.
    conifer &&= COSINE > 0.35;
    const half = conifer ? radius * 1.75 : radius;
    const z = conifer ? half * 0.8 : radius * 1.25;
    this.places.push(x, y, z, half);
    this.words.push(packColour(colour, conifer ? 1 : 0), pack(id >> 8, id & 255, Material.tree, seed & 255));
    shadow.disc(x, y, conifer ? z * 0.5 : z, radius * (conifer ? 0.75 : 0.88));
    if (conifer) shadow.disc(x, y, z * 1.2, radius * 0.4);
  }

  /** Hands the trees over as instances, or null when there are none. */
  geometry(): InstancedBufferGeometry | null {
    if (!this.places.length) return null;
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("corner", new BufferAttribute(new Float32Array([-1, -1, 1, -1, 1, 1, -1, 1]), 2));
    geometry.setIndex([0, 1, 2, 0, 2, 3]);
    geometry.setAttribute("crown", new InstancedBufferAttribute(new Float32Array(this.places), 4));
    const words = new Uint32Array(this.words);
    geometry.setAttribute("paint", new InstancedBufferAttribute(words.filter((_, i) => i % 2 === 0), 1));
    geometry.setAttribute("tag", new InstancedBufferAttribute(words.filter((_, i) => i % 2 === 1), 1));
    geometry.instanceCount = this.places.length / 4;
    return geometry;
  }
}

/** Plants the trees of parks, woods and gardens whose place on the jittered grid falls into a square of ground. */
export function plantGround(trees: Trees, shadow: Shade, mask: Mask, settled: Field, x0: number, y0: number, x1: number, y1: number, within: (x: number, y: number) => boolean): void {
  for (let j = Math.ceil(y0 / GRID); j < y1 / GRID; j++) {
    for (let i = Math.ceil(x0 / GRID); i < x1 / GRID; i++) {
      const dice = new Dice(hash(i, j, 41));
      const [x, y] = [i * GRID + dice.between(-1.9, 1.9), j * GRID + dice.between(-1.9, 1.9)];
      const roll = dice.roll();
      const here = mask.at(x, y);
      if (here & (On.building | On.street | On.bare | On.path) || !within(x, y)) continue;
      if ([[1.6, 0], [-1.6, 0], [0, 1.6], [0, -1.6]].some(([dx, dy]) => mask.at(x + dx, y + dy) & (On.building | On.asphalt))) continue;
      if (here & On.wood) {
        if (roll < 0.8) wild(trees, shadow, x, y, dice, dice.chance(0.45), 2.2, 3.4);
      } else if (here & On.park || valueAt(settled, x, y) < 0.1) {
        const clump = hash(Math.floor(x / 27), Math.floor(y / 27), 42) % 100 < 24;
        if (roll < (clump ? 0.55 : 0.07)) wild(trees, shadow, x, y, dice, dice.chance(0.25), 1.9, 3.1);
      } else if (roll < 0.3) {
        const colour = dice.chance(0.1) ? dice.pick(BLOSSOM) : dice.pick(TREES);
        trees.plant(shadow, x, y, dice.between(1.3, 2.5), colour, false);
      }
    }
  }
}

function wild(trees: Trees, shadow: Shade, x: number, y: number, dice: Dice, conifer: boolean, least: number, most: number): void {
  const colour = conifer ? dice.pick(CONIFERS) : dice.chance(0.05) ? dice.pick(AUTUMN) : dice.pick(TREES);
  trees.plant(shadow, x, y, dice.between(least, most) * (conifer ? 0.8 : 1), colour, conifer);
}

/** Plants a street tree. */
export function plantStreet(trees: Trees, shadow: Shade, x: number, y: number, seed: number): void {
  const dice = new Dice(seed);
  const colour = dice.chance(0.17) ? shade(dice.pick(AUTUMN), 0.95) : dice.pick(TREES);
  trees.plant(shadow, x, y, dice.between(1.9, 2.9), colour, false);
}

/** Draws trees: round crowns of five lumps, conifers of tiers, in four tones. */
export const treeProgram = program(
  /* glsl */ `
in vec2 corner;
in vec4 crown;
in uint paint, tag;
uniform highp sampler2D shadowMap;
uniform vec4 shadowFrame;
out vec2 at;
flat out vec4 colour, object;
flat out vec4 tree;
flat out float sunny;
flat out vec3 lumps[5]; // the round crown's lumps: centre and size
void main() {
  at = corner;
  tree = crown;
  colour = bytes(paint);
  object = bytes(tag);
  for (int i = 0; i < 5; i++) {
    float turn = (float(i) + fract(object.w * 0.37)) * 1.2566;
    float reach = 0.42 + 0.10 * fract(object.w * 0.13 + float(i) * 0.61);
    lumps[i] = vec3(cos(turn) * reach, sin(turn) * reach, 0.44 + 0.10 * fract(object.w * 0.29 + float(i) * 0.37));
  }
  vec3 top = crown.xyz + vec3(0.0, 0.0, crown.w * 0.5);
  vec2 g = (top.xy + top.z * vec2(0.7, 0.775) - shadowFrame.xy) * shadowFrame.z;
  ivec2 texel = clamp(ivec2(floor(g)), ivec2(0), textureSize(shadowMap, 0) - 1);
  sunny = (1.0 - texelFetch(shadowMap, texel, 0).r) * shadowFrame.w > top.z + 0.8 ? 0.0 : 1.0;
  vec2 offset = corner * crown.w;
  gl_Position = project(crown.xyz + fromScreen(vec3(offset, 0.0)));
}`,
  /* glsl */ `
in vec2 at;
flat in vec4 colour, object, tree;
flat in float sunny;
flat in vec3 lumps[5];

void main() {
  float seed = object.w;
  vec3 n;
  vec2 cell = floor((gl_FragCoord.xy + block.xy) / 2.0);
  if (colour.a < 0.5) {
    float best = -1.0;
    for (int i = 0; i < 6; i++) {
      vec3 lump = i == 5 ? vec3(0.0, 0.0, 0.74) : lumps[i];
      float size = lump.z;
      vec2 d = at - lump.xy;
      float z2 = size * size - dot(d, d);
      if (z2 > 0.0) {
        float z = sqrt(z2) + (i == 5 ? 0.0 : 0.12);
        if (z > best) { best = z; n = vec3(d, sqrt(z2)) / size; }
      }
    }
    if (best < 0.0) discard;
    n = normalize(n * 0.55 + vec3(at, sqrt(max(0.0, 1.0 - dot(at, at)))) * 0.6);
  } else {
    float t = at.y * 0.5 + 0.5;
    float tier = fract(t * 3.4);
    float width = mix(0.56, 0.02, t) * (1.12 - 0.42 * tier);
    if (abs(at.x) > width || t < 0.04) discard;
    n = normalize(vec3(at.x / width * 0.9, 0.15 - 0.45 * (1.0 - tier), 0.7));
  }
  vec3 world = fromScreen(n);
  float tone = dot(world, SUN) + (noise(cell, seed) - 0.5) * 0.34;
  vec3 c = colour.rgb / 255.0;
  if (tone > 0.74) c = c * 1.32 + vec3(0.06, 0.07, 0.0);
  else if (tone > 0.42) c = c * 1.08 + vec3(0.01, 0.02, 0.0);
  else if (tone > 0.08) c *= 0.80;
  else c *= vec3(0.52, 0.55, 0.62);
  if (sunny < 0.5) c *= vec3(0.58, 0.62, 0.76);
  vec2 facing = colour.a < 0.5 ? at : at * 0.5;
  float bulge = sqrt(max(0.0, 1.0 - dot(facing, facing))) * tree.w * (colour.a < 0.5 ? 0.8 : 0.3);
  float up = at.y * tree.w;
  vec3 p = tree.xyz + fromScreen(vec3(at.x * tree.w, up, bulge));
  plane(c, vec4(object.xyz, 0.0), p);
}`,
);
