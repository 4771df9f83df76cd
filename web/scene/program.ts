// The shader programs' common parts: where a point lands in a block, and what a pixel writes into the three planes.

import { DoubleSide, GLSL3, LessDepth, RawShaderMaterial, Vector4, type IUniform } from "three";
import { BEHIND, CAMERA_GLSL, COSINE, depthOf, SINE, UP } from "./camera";
import { LIGHT_GLSL, SUN_GLSL } from "./light";
import { TERRAIN } from "./settings";

/**
 * A block is the square of world pixels that is always drawn with the same transform, whatever was asked for. It is as
 * large as a canonical frame: what stands across the border of two blocks is handed to the GPU twice.
 */
export const BLOCK = 1024;

/** Metres along the squares of the map of how close houses are (land.ts). */
export const NEAR_STEP = 2;

/** The uniforms that change from block to block; all programs share these objects. */
export const uniforms: Record<string, IUniform> = {
  block: { value: null }, // x, y of the first world pixel, nearest depth, depth range in metres
  lift: { value: null }, // what heights and the depth plane follow from: heightHere() and plane() below
  depthStart: { value: 0 },
  shadowMap: { value: null },
  shadowFrame: { value: null },
  shadowSpan: { value: null },
  shadowSize: { value: null },
  shadowStart: { value: null },
  land: { value: null }, // land.ts
  nearMap: { value: null },
  nearFrame: { value: null },
};

/** Points the uniforms at block (bx, by), whose depths are all between two whole metres. */
export function turnTo(bx: number, by: number, nearest: number, farthest: number): void {
  const range = farthest - nearest;
  uniforms.block.value = new Vector4(bx * BLOCK, by * BLOCK, nearest, range);
  uniforms.lift.value = new Vector4(depthOf((-by * BLOCK) / UP, 0) * SINE - nearest * SINE, (COSINE * SINE) / UP, range * SINE, range * 256);
  uniforms.depthStart.value = ((((nearest + 16384) * 256) % ROUND) + ROUND) % ROUND;
}

const ROUND = 2 ** 24;

export const VERTEX_GLSL = /* glsl */ `
precision highp float;
precision highp int;
uniform vec4 block;
${CAMERA_GLSL}${SUN_GLSL}
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

/**
 * What a fragment may ask: software WebGL pays for every step of it at every pixel and skips none, so all that a block or
 * a face knows already is not asked again.
 */
export const FRAGMENT_GLSL = /* glsl */ `
precision highp float;
precision highp int;
uniform vec4 block, lift;
uniform int depthStart;
${CAMERA_GLSL}layout(location = 0) out vec4 colourOut;
layout(location = 1) out uint objectOut;
layout(location = 2) out uint depthOut;

/** The bytes of a depth: 1/256 m steps along the view axis from the plane through the world origin, 16384 m added. It
 * goes round after 65536 m, since far from the origin ground is deeper than 24 bits hold. */
uint depthBytes(int d) {
  return uint(((d >> 16) & 255) | (d & 0xff00) | ((d & 255) << 16)) | 0xff000000u;
}

/** Writes the three planes; tag is the object bytes, the first one lowest. The depth is the fragment's own. */
void plane(vec3 colour, uint tag) {
  colourOut = vec4(colour, 1.0);
  objectOut = tag;
  depthOut = depthBytes(depthStart + int(gl_FragCoord.z * lift.w + 0.5));
}

/** The same for what stands so many metres high at this pixel, wherever its fragment lies. */
void plane(vec3 colour, uint tag, float height) {
  colourOut = vec4(colour, 1.0);
  objectOut = tag;
  depthOut = depthBytes(depthStart + int((lift.x - gl_FragCoord.y * lift.y - height) * ${(256 / SINE).toFixed(8)} + 0.5));
}

/** The same for what lies behind or before its fragment, at the point p in view ground metres; tag in four bytes. */
void plane(vec3 colour, vec4 tag, vec3 p) {
  uvec4 b = uvec4(tag);
  colourOut = vec4(colour, 1.0);
  objectOut = b.x | (b.y << 8) | (b.z << 16) | (b.w << 24);
  depthOut = depthBytes(int(floor((depthOf(p) + 16384.0) * 256.0 + 0.5)));
}

/** The fragment's height in metres. */
float heightHere() {
  return lift.x - gl_FragCoord.y * lift.y - gl_FragCoord.z * lift.z;
}

/** This pixel's cell of the pixel-art filter, counted from the block's first. */
vec2 cellInBlock() {
  return floor(gl_FragCoord.xy * 0.5);
}

/** 32 mixed bits for a whole place. */
uint dice(vec2 place, float salt) {
  uvec2 c = uvec2(ivec2(floor(place)));
  uint h = c.x * 0x8da6b343u + c.y * 0xd8163841u + uint(int(salt)) * 0xcb1ab31fu;
  h = (h ^ (h >> 15)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

/** The middle of a cell of the block in metres on the ground: what is decided by it is never cut by a cell. */
vec2 cellGround(vec2 cell) {
  return (cell * 2.0 + (block.xy + 1.0)) * vec2(1.0 / ACROSS, -1.0 / UP);
}

/** A number in [-0.5, 0.5) for a whole place; weaker than dice, and cheap enough for every pixel of the ground. */
float speck(vec2 place) {
  ivec2 c = ivec2(floor(place));
  int h = (c.x * ${0x8da6b343 | 0}) ^ (c.y * ${0xd8163841 | 0});
  h = (h ^ (h >> 15)) * ${0x85ebca6b | 0};
  return float((h ^ ${0x80000000 | 0}) >> 16) * ${1 / 65536};
}

uniform highp sampler2D nearMap;
uniform vec4 nearFrame; // land.ts

/** How close houses are to a cell of the block, 0 to 1. Between the map's squares of 2 m every other cell takes the next one. */
float nearness(vec2 cell) {
  return texelFetch(nearMap, ivec2(cell * nearFrame.zw + fract(cell * 0.5) + nearFrame.xy), 0).r;
}
${TERRAIN ? `
/** The same for a point so many metres high, which lies nearer to the eye than level ground at its pixel. */
float nearness(vec2 cell, float height) {
  vec2 square = cell * nearFrame.zw + fract(cell * 0.5) + nearFrame.xy - vec2(0.0, height * ${(BEHIND / NEAR_STEP).toFixed(8)});
  return texelFetch(nearMap, ivec2(square), 0).r;
}
` : ""}${LIGHT_GLSL}`;

/** Makes a program that draws into the three planes. */
export function program(vertex: string, fragment: string): RawShaderMaterial {
  return new RawShaderMaterial({
    glslVersion: GLSL3, side: DoubleSide, depthFunc: LessDepth, uniforms,
    vertexShader: VERTEX_GLSL + vertex, fragmentShader: FRAGMENT_GLSL + fragment,
  });
}
