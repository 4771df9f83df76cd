// Cars and trees as sprites. The camera never turns, so each is drawn once by arithmetic, dot by dot, and every instance
// stands on whole dots of the world: a dot is a cell of the pixel-art filter, which then leaves its colour as it is.

import { DataTexture, NearestFilter, RGBAFormat, UnsignedByteType } from "three";
import { BEHIND, METRES_PER_PIXEL, toPixel } from "./camera";
import { Mesh, type Layout } from "./mesh";
import type { Colour } from "./palette";
import { BLOCK, program, uniforms } from "./program";
import { TERRAIN } from "./settings";

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

// Quads of their own, not instances: software WebGL draws every instance as if it were a call.
const LAYOUT: Layout = { floats: [["corner", 2], ["spot", 4], ...(TERRAIN ? [["ground", 1] as const] : [])], words: ["paint", "tag", "start"] };

/** The sprites of one chunk. */
export class Sprites {
  readonly mesh = new Mesh(LAYOUT);

  /**
   * Stands a sprite on a place of the ground. The name says all that its look follows from; dot is asked for every dot, by
   * the world pixels of its middle from the place. It hides what is farther than a plane through the point `high` metres
   * above the place: one that faces the eye, or a level one if it `lies`. The place's ground is so many metres high. Colour
   * and id are packed words.
   */
  put(name: string, left: number, top: number, width: number, height: number, dot: (x: number, y: number) => Dot | null,
    place: { x: number; y: number; high: number; lies: boolean; ground: number }, paint: number, tag: number): void {
    const sprite = atlas.sprite(name, left, top, width, height, dot);
    const [px, py] = toPixel(place.x, place.y, place.ground);
    const x0 = (Math.round(px / DOT) + left) * DOT, y0 = (Math.round(py / DOT) + top) * DOT;
    const [x1, y1] = [x0 + width * DOT, y0 + height * DOT];
    // What added to a dot of the world gives its place in the atlas, which repeats as the numbers do.
    const start = ((sprite.x - x0 / DOT) & 0xffff) | (((sprite.y - y0 / DOT) & 0xffff) << 16);
    const others = [place.y, place.high, place.lies ? 1 : 0];
    if (TERRAIN) others.push(place.ground);
    const words = [paint, tag, start >>> 0];
    const first = this.mesh.vertex(x0, y0, place.x, words, others);
    this.mesh.vertex(x1, y0, place.x, words, others);
    this.mesh.vertex(x1, y1, place.x, words, others);
    this.mesh.vertex(x0, y1, place.x, words, others);
    this.mesh.quad(first, first + 1, first + 2, first + 3);
  }
}

/** Draws sprites. One that stands in the shade of something higher is dark as a whole. */
export const spriteProgram = program(
  /* glsl */ `
in vec2 corner;
in vec4 spot;
in uint paint, tag, start;
uniform highp sampler2D shadowMap;
uniform vec4 shadowFrame;
${TERRAIN ? "in float ground;\nflat out float foot;\nuniform vec2 shadowSpan;" : "const float ground = 0.0;"}
flat out vec3 colour, shine;
flat out uint object;
flat out ivec2 from;
void main() {
  colour = bytes(paint).rgb / 255.0;
  object = tag;
  from = ivec2(int(start & 0xffffu), int(start >> 16));
${TERRAIN ? "  foot = ground;" : ""}
  float high = spot.z + ground;
  vec2 g = (spot.xy + high * SHEAR - shadowFrame.xy) * shadowFrame.z;
  ivec2 texel = clamp(ivec2(floor(g)), ivec2(0), textureSize(shadowMap, 0) - 1);
  bool shaded = (1.0 - texelFetch(shadowMap, texel, 0).r) * shadowFrame.w${TERRAIN ? " + shadowSpan.x - ground" : ""} > spot.z * 1.4 + 1.0;
  shine = shaded ? vec3(0.58, 0.62, 0.76) : vec3(1.0);
  float y = spot.w > 0.5 ? -corner.y / UP - high * ${BEHIND.toFixed(8)} : spot.y;
  float depth = (depthOf(vec3(0.0, y, high)) - block.z) / block.w;
  gl_Position = vec4((corner - block.xy) * ${(2 / BLOCK).toFixed(10)} - 1.0, depth * 2.0 - 1.0, 1.0);
}`,
  /* glsl */ `
flat in vec3 colour, shine;
flat in uint object;
flat in ivec2 from;
${TERRAIN ? "flat in float foot;" : ""}
uniform highp sampler2D atlas;
void main() {
  vec2 pixel = gl_FragCoord.xy + block.xy;
  vec4 texel = texelFetch(atlas, (ivec2(floor(pixel * ${(1 / DOT).toFixed(8)})) + from) & ${ATLAS - 1}, 0);
  if (texel.a == 0.0) discard;
  bool tints = texel.a < 0.5;
  float height = (texel.a * 255.0 - (tints ? 0.0 : 128.0)) / ${STEPS}.0;
  plane((tints ? colour * texel.rgb * ${(255 / 128).toFixed(8)} : texel.rgb) * shine, object, height${TERRAIN ? " + foot" : ""});
}`,
);
