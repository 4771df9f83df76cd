// Sun, sky and where they fall.

/** Towards the sun, in view ground metres: from the left, from behind the eye, from above. */
const length = Math.hypot(0.56, 0.62, 0.8);
export const SUN = [-0.56 / length, -0.62 / length, 0.8 / length] as const;

/** How far a shadow runs over the ground per metre of height: [to the right, away from the eye]. */
export const SHEAR = [0.56 / 0.8, 0.62 / 0.8] as const;

/** What every program needs to light a point: ambient and sun in one function of normal and sunlight (0 or 1). */
export const LIGHT_GLSL = /* glsl */ `
const vec3 SUN = vec3(${SUN.map((v) => v.toFixed(8)).join(", ")});
const vec2 SHEAR = vec2(${SHEAR.map((v) => v.toFixed(8)).join(", ")});
uniform highp sampler2D shadowMap;
uniform vec4 shadowFrame; // x, y of the first texel in sheared metres, texels per metre, highest caster in metres

/** 1 where the sun reaches the point, 0 where something higher stands on its ray. */
float sunlight(vec3 p, float bias) {
  vec2 g = (p.xy + p.z * SHEAR - shadowFrame.xy) * shadowFrame.z;
  float height = (1.0 - texelFetch(shadowMap, ivec2(floor(g)), 0).r) * shadowFrame.w;
  return height > p.z + bias ? 0.0 : 1.0;
}

const vec3 AMBIENT_OF_WALLS = vec3(0.50, 0.48, 0.54);
const vec3 SUN_COLOUR = vec3(1.06, 0.95, 0.77) * 0.74;

vec3 light(vec3 n, float sun) {
  vec3 ambient = mix(AMBIENT_OF_WALLS, vec3(0.43, 0.48, 0.62), clamp(n.z, 0.0, 1.0));
  return ambient + SUN_COLOUR * max(dot(n, SUN), 0.0) * sun;
}
`;
