// The shader programs' common parts: where a point lands in a block, and what a pixel writes into the three planes.

import { DoubleSide, GLSL3, RawShaderMaterial, type IUniform } from "three";
import { METRES_PER_PIXEL, UP } from "./camera";
import { LIGHT_GLSL } from "./light";

/** A block is the square of world pixels that is always drawn with the same transform, whatever was asked for. */
export const BLOCK = 1024;

/** The uniforms that change from block to block; all programs share these objects. */
export const uniforms: Record<string, IUniform> = {
  block: { value: null }, // x, y of the first world pixel, nearest depth, depth range in metres
  shadowMap: { value: null },
  shadowFrame: { value: null },
};

export const VERTEX_GLSL = /* glsl */ `
precision highp float;
precision highp int;
uniform vec4 block;
const float ACROSS = ${(1 / METRES_PER_PIXEL).toFixed(8)};
const float UP = ${UP.toFixed(8)};

/** View ground metres to the block's clip space, snapped to 1/256 world pixel; rows run downwards. */
vec4 project(vec3 p) {
  vec2 pixel = vec2(p.x * ACROSS, -(p.y + p.z) * UP);
  pixel = floor(pixel * 256.0 + 0.5) / 256.0 - block.xy;
  float depth = ((p.y - p.z) * ${Math.SQRT1_2.toFixed(8)} - block.z) / block.w;
  return vec4(pixel * ${(2 / BLOCK).toFixed(10)} - 1.0, depth * 2.0 - 1.0, 1.0);
}

vec4 bytes(uint word) {
  return vec4(word & 255u, (word >> 8) & 255u, (word >> 16) & 255u, word >> 24) ;
}
`;

export const FRAGMENT_GLSL = /* glsl */ `
precision highp float;
precision highp int;
uniform vec4 block;
const float ACROSS = ${(1 / METRES_PER_PIXEL).toFixed(8)};
const float UP = ${UP.toFixed(8)};
layout(location = 0) out vec4 colourOut;
layout(location = 1) out vec4 objectOut;
layout(location = 2) out vec4 depthOut;

/** Writes the three planes; tag is the object bytes, p the point in view ground metres. */
void plane(vec3 colour, vec4 tag, vec3 p) {
  colourOut = vec4(clamp(colour, 0.0, 1.0), 1.0);
  objectOut = tag / 255.0;
  // Depth along the view axis from the plane through the world origin, 1/256 m steps, 16384 m added.
  uint d = uint(((p.y - p.z) * ${Math.SQRT1_2.toFixed(8)} + 16384.0) * 256.0 + 0.5);
  depthOut = vec4((d >> 16) & 255u, (d >> 8) & 255u, d & 255u, 255u) / 255.0;
}

uint mixed(uint h) { h ^= h >> 16; h *= 0x85ebca6bu; h ^= h >> 13; h *= 0xc2b2ae35u; return h ^ (h >> 16); }

/** A number in [0, 1) for a whole place. */
float noise(vec2 place, float salt) {
  ivec2 c = ivec2(floor(place));
  return float(mixed(uint(c.x) * 0x8da6b343u ^ uint(c.y) * 0xd8163841u ^ uint(int(salt)) * 0xcb1ab31fu) >> 8) / 16777216.0;
}
${LIGHT_GLSL}`;

/** Makes a program that draws into the three planes. */
export function program(vertex: string, fragment: string): RawShaderMaterial {
  return new RawShaderMaterial({
    glslVersion: GLSL3, side: DoubleSide, uniforms,
    vertexShader: VERTEX_GLSL + vertex, fragmentShader: FRAGMENT_GLSL + fragment,
  });
}

/** Draws plain faces (solid.ts). */
export const solidProgram = program(
  /* glsl */ `
in vec3 position;
in uint paint, tag, facing;
out vec3 place;
flat out vec4 colour, object;
flat out vec3 normal;
void main() {
  place = position;
  colour = bytes(paint);
  object = bytes(tag);
  normal = (bytes(facing).xyz - 128.0) / 127.0;
  gl_Position = project(position);
}`,
  /* glsl */ `
in vec3 place;
flat in vec4 colour, object;
flat in vec3 normal;

float tone(vec2 at, float metres, float strength, float salt) {
  return 1.0 + (noise(at / metres, salt) - 0.5) * strength;
}

void main() {
  vec3 c = colour.rgb / 255.0;
  int pattern = int(colour.a + 0.5);
  vec2 at = place.xy;
  if (pattern == 1) c *= tone(at, 0.9, 0.07, 1.0) * tone(at, 4.3, 0.05, 2.0);
  else if (pattern == 2) c *= (fract(place.z / 0.62) < 0.36 ? 0.90 : 1.03) * tone(vec2(at.x + at.y, place.z * 1.6), 0.8, 0.10, 3.0);
  else if (pattern == 3) c *= fract(at.x / 0.7) < 0.3 ? 0.88 : 1.0;
  else if (pattern == 4) c *= fract(at.x / 1.1) < 0.22 || fract(at.y / 1.6) < 0.16 ? 1.35 : 1.0;
  else if (pattern == 5) c *= tone(at, 0.8, 0.035, 4.0) * tone(at, 5.7, 0.05, 5.0);
  else if (pattern == 6) c *= tone(at, 1.5, 0.06, 6.0);
  else if (pattern == 7 || pattern == 8) {
    float patch_ = noise(at / 6.1, 7.0) * 0.5 + noise((at + 3.3) / 2.9, 8.0) * 0.5;
    c *= 0.90 + 0.19 * patch_;
    c *= tone(at, 0.7, 0.10, 9.0);
    if (pattern == 7 && noise(at / 0.55, 10.0) > 0.994) c = vec3(0.95, 0.88, 0.45);
  } else if (pattern == 9) {
    float ripple = noise(vec2(at.x / 3.6, (at.y + at.x * 0.12) / 0.9), 11.0);
    c *= 0.95 + 0.10 * noise(at / 9.0, 12.0);
    if (ripple > 0.93) c = mix(c, vec3(0.80, 0.92, 0.98), 0.55);
  } else if (pattern == 10) c *= tone(at, 0.6, 0.16, 13.0);
  else if (pattern == 11) c *= fract((at.x * 0.9 + at.y * 0.45) / 6.4) < 0.5 ? 0.94 : 1.05;
  float sun = dot(normal, SUN) > 0.0 ? sunlight(place + normal * 0.12, 0.30) : 0.0;
  plane(c * light(normal, sun), object, place);
}`,
);
