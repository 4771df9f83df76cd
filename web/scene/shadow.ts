// Where the sun does not reach: one height map per block, on a lattice that is fixed in the world.
//
// A caster is slid along the sun's rays down to the ground, (x, y) + z * SHEAR, and the map keeps its greatest height.
// The lattice of texels, 0.25 m wide at the default camera, starts at whole metres and whole texels of the sheared ground,
// so neighbouring blocks' maps agree.

import { DepthTexture, DoubleSide, GLSL3, NearestFilter, OrthographicCamera, RedFormat, RawShaderMaterial, Scene, UnsignedShortType, Vector2, Vector4, WebGLRenderTarget, type WebGLRenderer } from "three";
import { METRES_PER_PIXEL, UP } from "./camera";
import type { Chunk } from "./chunk";
import { HIGHEST, LEAN, SHEAR, TEXELS } from "./light";
import { BLOCK, uniforms } from "./program";

const LATTICE = Math.max(1, 1 / TEXELS); // metres
export { HIGHEST };
const SPARE = 8; // metres around a block: a sprite that reaches into it asks for the light at its own place
const WIDTH = Math.ceil((BLOCK * METRES_PER_PIXEL + SHEAR[0] * HIGHEST + 2 * SPARE) / LATTICE) * LATTICE * TEXELS;
const HEIGHT = Math.ceil((BLOCK / UP + Math.abs(LEAN) * HIGHEST + 2 * SPARE) / LATTICE) * LATTICE * TEXELS;
const KEPT = Math.max(4, Math.min(24, Math.floor(18e6 / (WIDTH * HEIGHT)))); // maps

interface Map { target: WebGLRenderTarget; frame: Vector4; used: number }

const material = new RawShaderMaterial({
  glslVersion: GLSL3, side: DoubleSide, uniforms: { shadowFrame: uniforms.shadowFrame }, colorWrite: false,
  vertexShader: /* glsl */ `
precision highp float;
in vec3 position;
uniform vec4 shadowFrame;
void main() {
  vec2 g = (position.xy + position.z * vec2(${SHEAR[0].toFixed(8)}, ${SHEAR[1].toFixed(8)}) - shadowFrame.xy) * shadowFrame.z;
  gl_Position = vec4(g / vec2(${WIDTH}.0, ${HEIGHT}.0) * 2.0 - 1.0, 1.0 - 2.0 * position.z / shadowFrame.w, 1.0);
}`,
  fragmentShader: `precision mediump float; void main() {}`,
});

/** The shadow maps of the blocks drawn last. */
export class Shadows {
  private readonly maps = new globalThis.Map<string, Map>();
  private readonly camera = new OrthographicCamera();
  private clock = 0;

  constructor(private readonly renderer: WebGLRenderer) {}

  /** Points the uniforms at the map of block (bx, by), drawing it first when it is not kept. */
  use(bx: number, by: number, near: (box: [number, number, number, number]) => Chunk[]): void {
    const key = `${bx},${by}`;
    let map = this.maps.get(key);
    if (!map) {
      map = this.make(bx, by, near);
      this.maps.set(key, map);
    }
    map.used = ++this.clock;
    uniforms.shadowMap.value = map.target.depthTexture;
    uniforms.shadowFrame.value = map.frame;
    uniforms.shadowStart.value = new Vector2(bx * BLOCK * METRES_PER_PIXEL - map.frame.x, (-by * BLOCK) / UP - map.frame.y).multiplyScalar(TEXELS);
  }

  private make(bx: number, by: number, near: (box: [number, number, number, number]) => Chunk[]): Map {
    let target: WebGLRenderTarget | undefined;
    if (this.maps.size >= KEPT) {
      const [oldest, map] = [...this.maps].reduce((a, b) => (a[1].used < b[1].used ? a : b));
      this.maps.delete(oldest);
      target = map.target;
    }
    target ??= new WebGLRenderTarget(WIDTH, HEIGHT, {
      minFilter: NearestFilter, magFilter: NearestFilter, generateMipmaps: false, format: RedFormat,
      depthTexture: new DepthTexture(WIDTH, HEIGHT, UnsignedShortType),
    });
    // A point of the block at height z lies at y + z * BEHIND = -pixel / UP, so its sheared y is lower by LEAN * z: or
    // higher, where the eye looks down more steeply than the sun.
    const x0 = Math.floor((bx * BLOCK * METRES_PER_PIXEL - SPARE) / LATTICE) * LATTICE;
    const y0 = Math.floor(((-(by + 1) * BLOCK) / UP - Math.max(0, LEAN) * HIGHEST - SPARE) / LATTICE) * LATTICE;
    const frame = new Vector4(x0, y0, TEXELS, HIGHEST);
    const scene = new Scene();
    scene.matrixWorldAutoUpdate = false;
    uniforms.shadowMap.value = null;
    uniforms.shadowFrame.value = frame;
    for (const chunk of near([x0, y0, x0 + WIDTH / TEXELS, y0 + HEIGHT / TEXELS])) scene.children.push(...chunk.casters(material));
    this.renderer.setRenderTarget(target);
    this.renderer.clear();
    this.renderer.render(scene, this.camera);
    scene.children = [];
    return { target, frame, used: 0 };
  }
}
