// Sun, sky and where they fall.

import { ACROSS, BEHIND, METRES_PER_PIXEL, UP } from "./camera";
import { sourceSettings, TERRAIN } from "./settings";

/** Towards the sun, in view ground metres: from the left, from behind the eye, from above. */
const length = Math.hypot(0.56, 0.62, 0.8);
export const SUN = [-0.56 / length, -0.62 / length, 0.8 / length] as const;

/** How far a shadow runs over the ground per metre of height: [to the right, away from the eye]. */
export const SHEAR = [0.56 / 0.8, 0.62 / 0.8] as const;

/** Metres; nothing in the city casts from higher up. */
export const HIGHEST = sourceSettings.tallest ?? 64;

/** Texels of a shadow map per metre (shadow.ts): a little more than one per pixel. */
export const TEXELS = 2 ** Math.round(Math.log2(1.171875 / METRES_PER_PIXEL));

/** Metres that a point of a pixel slides nearer over the sheared ground per metre of height. */
export const LEAN = BEHIND - SHEAR[1];

const numbers = (...values: number[]) => values.map((value) => value.toFixed(8)).join(", ");

/** What vertices and fragments know of the light: the sun, and where on its map a block begins. */
export const SUN_GLSL = /* glsl */ `
const vec3 SUN = vec3(${numbers(...SUN)});
const vec2 SHEAR = vec2(${numbers(...SHEAR)});
const vec3 AMBIENT_OF_WALLS = vec3(0.50, 0.48, 0.54), AMBIENT_OF_GROUND = vec3(0.43, 0.48, 0.62);
const vec3 SUN_COLOUR = vec3(1.06, 0.95, 0.77) * 0.74;
const float SHADOW_TEXELS = ${numbers(TEXELS)}; // per metre
uniform vec2 shadowStart; // the texel of the ground at the block's first pixel
`;

/** What stands in the map for a height, less a bias: level ground's maps all hold the same heights. */
const IN_MAP = TERRAIN ? "1.0 - (height + bias - shadowSpan.x) * shadowSpan.y"
  : `(1.0 - bias * ${(1 / HIGHEST).toFixed(10)}) - height * ${(1 / HIGHEST).toFixed(10)}`;

/** What fragments need to light a point: ambient and sun in one function of normal and sunlight (0 or 1). */
export const LIGHT_GLSL = /* glsl */ `
${SUN_GLSL}
uniform highp sampler2D shadowMap;
uniform vec4 shadowFrame; // x, y of the first texel in sheared metres, texels per metre, metres that the map holds
${TERRAIN ? "uniform vec2 shadowSpan; // the lowest metre of the map, 1 over how many it holds" : ""}

/** 1 where the sun reaches the point, 0 where something higher stands on its ray. */
float sunlight(vec3 p, float bias) {
  vec2 g = (p.xy + p.z * SHEAR - shadowFrame.xy) * shadowFrame.z;
  float height = (1.0 - texelFetch(shadowMap, ivec2(floor(g)), 0).r) * shadowFrame.w${TERRAIN ? " + shadowSpan.x" : ""};
  return height > p.z + bias ? 0.0 : 1.0;
}

/** The same for the fragment itself, so many metres high; start is shadowStart, moved by how far off the light is asked for. */
float sunlightHere(float height, vec2 start, float bias) {
  vec2 g = gl_FragCoord.xy * vec2(${numbers(TEXELS / ACROSS, -TEXELS / UP)}) + height * vec2(${numbers(SHEAR[0] * TEXELS, -LEAN * TEXELS)}) + start;
  return step(${IN_MAP}, texelFetch(shadowMap, ivec2(g), 0).r);
}

/** The ambient light on a face. */
vec3 ambient(vec3 n) {
  return mix(AMBIENT_OF_WALLS, AMBIENT_OF_GROUND, clamp(n.z, 0.0, 1.0));
}

vec3 light(vec3 n, float sun) {
  return ambient(n) + SUN_COLOUR * max(dot(n, SUN), 0.0) * sun;
}
`;
