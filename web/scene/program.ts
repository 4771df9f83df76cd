// The shader programs' common parts: where a point lands in a block, and what a pixel writes into the three planes.

import { DoubleSide, GLSL3, LessDepth, RawShaderMaterial, type IUniform } from "three";
import { CAMERA_GLSL } from "./camera";
import { LIGHT_GLSL } from "./light";

/** A block is the square of world pixels that is always drawn with the same transform, whatever was asked for. */
export const BLOCK = 512;

/** The uniforms that change from block to block; all programs share these objects. */
export const uniforms: Record<string, IUniform> = {
  block: { value: null }, // x, y of the first world pixel, nearest depth, depth range in metres
  shadowMap: { value: null },
  shadowFrame: { value: null },
  land: { value: null }, // land.ts
  nearMap: { value: null },
  nearFrame: { value: null },
  settledMap: { value: null },
  settledFrame: { value: null },
};

export const VERTEX_GLSL = /* glsl */ `
precision highp float;
precision highp int;
uniform vec4 block;
${CAMERA_GLSL}
/** View ground metres to the block's clip space, snapped to 1/256 world pixel; rows run downwards. */
vec4 project(vec3 p) {
  vec2 pixel = floor(toPixel(p) * 256.0 + 0.5) / 256.0 - block.xy;
  float depth = (depthOf(p) - block.z) / block.w;
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
${CAMERA_GLSL}layout(location = 0) out vec4 colourOut;
layout(location = 1) out vec4 objectOut;
layout(location = 2) out vec4 depthOut;

/** Writes the three planes; tag is the object bytes, p the point in view ground metres. */
void plane(vec3 colour, vec4 tag, vec3 p) {
  colourOut = vec4(clamp(colour, 0.0, 1.0), 1.0);
  objectOut = tag / 255.0;
  // Depth along the view axis from the plane through the world origin, 1/256 m steps, 16384 m added; it goes round after
  // 65536 m, since far from the origin ground is deeper than 24 bits hold.
  uint d = uint(mod(floor((depthOf(p) + 16384.0) * 256.0 + 0.5), 16777216.0));
  depthOut = vec4((d >> 16) & 255u, (d >> 8) & 255u, d & 255u, 255u) / 255.0;
}

/** 32 mixed bits for a whole place. */
uint dice(vec2 place, float salt) {
  uvec2 c = uvec2(ivec2(floor(place)));
  uint h = c.x * 0x8da6b343u + c.y * 0xd8163841u + uint(int(salt)) * 0xcb1ab31fu;
  h = (h ^ (h >> 15)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

/** A number in [0, 1) for a whole place. */
float noise(vec2 place, float salt) {
  return float(dice(place, salt) & 0xffffu) / 65536.0;
}
${LIGHT_GLSL}`;

/** Makes a program that draws into the three planes. */
export function program(vertex: string, fragment: string): RawShaderMaterial {
  return new RawShaderMaterial({
    glslVersion: GLSL3, side: DoubleSide, depthFunc: LessDepth, uniforms,
    vertexShader: VERTEX_GLSL + vertex, fragmentShader: FRAGMENT_GLSL + fragment,
  });
}
