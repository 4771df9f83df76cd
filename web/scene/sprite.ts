// Cars and trees as sprites. The camera never turns, so each is drawn once by arithmetic, dot by dot, and every instance
// stands on whole dots of the world: a dot is a cell of the pixel-art filter, which then leaves its colour as it is.

import { BufferAttribute, DataTexture, InstancedBufferAttribute, InstancedBufferGeometry, InstancedInterleavedBuffer, InterleavedBufferAttribute, NearestFilter, RGBAFormat, UnsignedByteType } from "three";
import { METRES_PER_PIXEL, TILT, toPixel } from "./camera";
import { SHEAR } from "./light";
import type { Colour } from "./palette";
import { BLOCK, program, uniforms } from "./program";

/** World pixels of a dot; larger than a cell where the camera is so near that nobody would call it one. */
export const DOT = 2 * Math.max(1, Math.round(0.08 / METRES_PER_PIXEL));

/** A dot of a sprite: its colour, or how it lightens the instance's (128 leaves it), and its metres above the ground. */
export interface Dot { colour: Colour; tints: boolean; height: number }

/** Where a sprite lies in the atlas, and where its corner lies from its place in the world, all in dots. */
interface Sprite { x: number; y: number; width: number; height: number; left: number; top: number }

const ATLAS = 1024; // dots
const STEPS = 8; // of height per metre; 127 of them at most

/** The sprites drawn so far. */
class Atlas {
  private readonly texels = new Uint8Array(ATLAS * ATLAS * 4);
  readonly texture = new DataTexture(this.texels, ATLAS, ATLAS, RGBAFormat, UnsignedByteType);
  private readonly drawn = new Map<string, Sprite>();
  private x = 0;
  private y = 0;
  private row = 0;

  constructor() {
    this.texture.minFilter = this.texture.magFilter = NearestFilter;
  }

  /** The sprite of this name; drawn when first asked for. */
  sprite(name: string, left: number, top: number, width: number, height: number, dot: (x: number, y: number) => Dot | null): Sprite {
    const known = this.drawn.get(name);
    if (known) return known;
    if (this.x + width > ATLAS) [this.x, this.y, this.row] = [0, this.y + this.row, 0];
    if (this.y + height > ATLAS) throw new Error("There are more sprites of cars and trees than their atlas holds.");
    for (let j = 0; j < height; j++) {
      for (let i = 0; i < width; i++) {
        const found = dot((left + i + 0.5) * DOT, (top + j + 0.5) * DOT);
        if (!found) continue;
        const high = Math.max(1, Math.min(127, Math.round(found.height * STEPS)));
        const bytes = [...found.colour.map((v) => Math.max(0, Math.min(255, Math.round(v)))), high + (found.tints ? 0 : 128)];
        this.texels.set(bytes, ((this.y + j) * ATLAS + this.x + i) * 4);
      }
    }
    const sprite = { x: this.x, y: this.y, width, height, left, top };
    this.drawn.set(name, sprite);
    this.x += width;
    this.row = Math.max(this.row, height);
    this.texture.needsUpdate = true;
    return sprite;
  }
}

const atlas = new Atlas();
uniforms.atlas = { value: atlas.texture };

/** The sprites of one chunk. */
export class Sprites {
  private readonly floats: number[] = [];
  private readonly words: number[] = [];

  /**
   * Stands a sprite on a place of the ground. The name says all that its look follows from; dot is asked for every dot, by
   * the world pixels of its middle from the place. It hides what is farther than a plane through the point `high` metres
   * above the place: one that faces the eye, or a level one if it `lies`. Colour and id are packed words.
   */
  put(name: string, left: number, top: number, width: number, height: number, dot: (x: number, y: number) => Dot | null,
    place: { x: number; y: number; high: number; lies: boolean }, paint: number, tag: number): void {
    const sprite = atlas.sprite(name, left, top, width, height, dot);
    const [px, py] = toPixel(place.x, place.y, 0);
    this.floats.push((Math.round(px / DOT) + left) * DOT, (Math.round(py / DOT) + top) * DOT, place.x, place.y, place.high, place.lies ? 1 : 0);
    this.words.push(paint, tag, sprite.x | (sprite.y << 16), width | (height << 16));
  }

  /** Hands the sprites over as instances, or null when there are none. */
  geometry(): InstancedBufferGeometry | null {
    if (!this.floats.length) return null;
    const geometry = new InstancedBufferGeometry();
    geometry.setAttribute("corner", new BufferAttribute(new Float32Array([0, 0, 1, 0, 1, 1, 0, 1]), 2));
    geometry.setIndex([0, 1, 2, 0, 2, 3]);
    const floats = new InstancedInterleavedBuffer(new Float32Array(this.floats), 6);
    geometry.setAttribute("spot", new InterleavedBufferAttribute(floats, 4, 0));
    geometry.setAttribute("plane", new InterleavedBufferAttribute(floats, 2, 4));
    const words = new Uint32Array(this.words);
    ["paint", "tag", "from", "size"].forEach((name, k) => geometry.setAttribute(name, new InstancedBufferAttribute(words.filter((_, i) => i % 4 === k), 1)));
    geometry.instanceCount = words.length / 4;
    return geometry;
  }
}

/** Draws sprites. One that stands in the shade of something higher is dark as a whole. */
export const spriteProgram = program(
  /* glsl */ `
in vec2 corner;
in vec4 spot;
in vec2 plane;
in uint paint, tag, from, size;
uniform highp sampler2D shadowMap;
uniform vec4 shadowFrame;
flat out vec3 colour, shine;
flat out vec4 object;
flat out ivec2 start; // what added to a dot of the world gives its place in the atlas
void main() {
  colour = bytes(paint).rgb / 255.0;
  object = bytes(tag);
  vec2 pixel = spot.xy + corner * vec2(size & 0xffffu, size >> 16) * ${DOT}.0;
  start = ivec2(int(from & 0xffffu), int(from >> 16)) - ivec2(floor(spot.xy / ${DOT}.0 + 0.5));
  vec2 g = (spot.zw + plane.x * vec2(${SHEAR.map((v) => v.toFixed(8)).join(", ")}) - shadowFrame.xy) * shadowFrame.z;
  ivec2 texel = clamp(ivec2(floor(g)), ivec2(0), textureSize(shadowMap, 0) - 1);
  bool shaded = (1.0 - texelFetch(shadowMap, texel, 0).r) * shadowFrame.w > plane.x * 1.4 + 1.0;
  shine = shaded ? vec3(0.58, 0.62, 0.76) : vec3(1.0);
  float y = plane.y > 0.5 ? -pixel.y / UP - plane.x : spot.w;
  float depth = ((y - plane.x) * ${TILT.toFixed(8)} - block.z) / block.w;
  gl_Position = vec4((pixel - block.xy) * ${(2 / BLOCK).toFixed(10)} - 1.0, depth * 2.0 - 1.0, 1.0);
}`,
  /* glsl */ `
flat in vec3 colour, shine;
flat in vec4 object;
flat in ivec2 start;
uniform highp sampler2D atlas;
void main() {
  vec2 pixel = gl_FragCoord.xy + block.xy;
  vec4 texel = texelFetch(atlas, ivec2(floor(pixel * ${(1 / DOT).toFixed(8)})) + start, 0);
  if (texel.a == 0.0) discard;
  bool tints = texel.a < 0.5;
  float height = (texel.a * 255.0 - (tints ? 0.0 : 128.0)) / ${STEPS}.0;
  plane((tints ? colour * texel.rgb * ${(255 / 128).toFixed(8)} : texel.rgb) * shine, object, vec3(pixel.x / ACROSS, -pixel.y / UP - height, height));
}`,
);
