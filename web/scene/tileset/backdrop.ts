// Blank paper on level ground, behind everything: what shows where a tile set has nothing.

import { BufferAttribute, BufferGeometry, type Object3D } from "three";
import { Stage, still } from "../chunk";
import { Material } from "../material";
import { program } from "../program";

const geometry = new BufferGeometry();
geometry.setAttribute("position", new BufferAttribute(new Float32Array([-1, -1, 0, 3, -1, 0, -1, 3, 0]), 3));

/** The paper of any block; shadows fall on it where there are any. */
export const backdropWith = (shadows: boolean): Object3D => still(geometry, program(
  /* glsl */ `
in vec3 position;
void main() {
  gl_Position = vec4(position.xy, 0.9999999, 1.0);
}`,
  /* glsl */ `
void main() {
  vec2 pixel = gl_FragCoord.xy + block.xy;
  vec3 place = vec3(pixel.x / ACROSS, -pixel.y / UP, 0.0);
  plane(vec3(0.85, 0.83, 0.78) * ${shadows ? "mix(0.74, 1.0, sunlight(place, 0.30))" : "1.0"}, vec4(0, 0, ${Material.nothing}, 0), place);
}`,
), Stage.base);
