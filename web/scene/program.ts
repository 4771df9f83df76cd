// The shader programs' common parts: where a point lands in a block, and what a pixel writes into the three planes.

import { DoubleSide, GLSL3, LessDepth, RawShaderMaterial, type IUniform } from "three";
import { CAMERA_GLSL } from "./camera";
import { LIGHT_GLSL } from "./light";

/**
 * A block is the square of world pixels that is always drawn with the same transform, whatever was asked for. It is as
 * large as a canonical frame: what stands across the border of two blocks is handed to the GPU twice.
 */
export const BLOCK = 1024;

/** The uniforms that change from block to block; all programs share these objects. */
export const uniforms: Record<string, IUniform> = {
  block: { value: null }, // x, y of the first world pixel, nearest depth, depth range in metres
  shadowMap: { value: null },
  shadowFrame: { value: null },
  land: { value: null }, // land.ts
  nearMap: { value: null },
  nearFrame: { value: null },
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
  colourOut = vec4(colour, 1.0);
  objectOut = tag * ${(1 / 255).toFixed(12)};
  // Depth along the view axis from the plane through the world origin, 1/256 m steps, 16384 m added; it goes round after
  // 65536 m, since far from the origin ground is deeper than 24 bits hold. Signed: software WebGL takes more steps else.
  int d = int(mod(floor((depthOf(p) + 16384.0) * 256.0 + 0.5), 16777216.0));
  depthOut = vec4((d >> 16) & 255, (d >> 8) & 255, d & 255, 255) * ${(1 / 255).toFixed(12)};
}

/** 32 mixed bits for a whole place. */
uint dice(vec2 place, float salt) {
  uvec2 c = uvec2(ivec2(floor(place)));
  uint h = c.x * 0x8da6b343u + c.y * 0xd8163841u + uint(int(salt)) * 0xcb1ab31fu;
  h = (h ^ (h >> 15)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

/** The middle of this pixel's cell of the pixel-art filter, in metres on the ground: what is decided by it is never cut by a cell. */
vec2 cellGround() {
  return (floor((gl_FragCoord.xy + block.xy) * 0.5) * 2.0 + 1.0) * vec2(1.0 / ACROSS, -1.0 / UP);
}

/** A number in [0, 1) for a whole place; weaker than dice, and cheap enough for every pixel of the ground. */
float speck(vec2 place) {
  ivec2 c = ivec2(floor(place));
  int h = (c.x * ${0x8da6b343 | 0}) ^ (c.y * ${0xd8163841 | 0});
  h = (h ^ (h >> 15)) * ${0x85ebca6b | 0};
  return float((h >> 16) & 65535) * ${1 / 65536};
}

uniform highp sampler2D nearMap;
uniform vec4 nearFrame;

/** How close houses are to a cell's ground, 0 to 1. Between the map's squares of 2 m every other cell takes the next one. */
float nearness(vec2 cell) {
  vec2 turn = fract(floor((gl_FragCoord.xy + block.xy) * 0.5) * 0.5) - 0.25;
  return texelFetch(nearMap, ivec2(floor((cell - nearFrame.xy) * 0.5 + turn)), 0).r;
}
${LIGHT_GLSL}`;

/** Makes a program that draws into the three planes. */
export function program(vertex: string, fragment: string): RawShaderMaterial {
  return new RawShaderMaterial({
    glslVersion: GLSL3, side: DoubleSide, depthFunc: LessDepth, uniforms,
    vertexShader: VERTEX_GLSL + vertex, fragmentShader: FRAGMENT_GLSL + fragment,
  });
}
