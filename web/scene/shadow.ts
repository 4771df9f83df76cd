// Where the sun does not reach: one height map per block, on a lattice that is fixed in the world.
//
// A caster is slid along the sun's rays down to the ground, (x, y) + z * SHEAR, and the map keeps its greatest height.
// The lattice of texels, 0.25 m wide at the default camera, starts at whole metres and whole texels of the sheared ground,
// so neighbouring blocks' maps agree.

import { DepthTexture, DoubleSide, GLSL3, NearestFilter, OrthographicCamera, RedFormat, RawShaderMaterial, Scene, UnsignedShortType, Vector2, Vector4, WebGLRenderTarget, type WebGLRenderer } from "three";
import { METRES_PER_PIXEL, UP } from "./camera";
import { HIGHEST, LEAN, SHEAR, TEXELS } from "./light";
import { BLOCK, uniforms } from "./program";
import type { Part } from "./scenery";
import { TERRAIN } from "./settings";

const LATTICE = Math.max(1, 1 / TEXELS); // metres
export { HIGHEST };
const STEP = 32; // metres by which maps of hilly ground hold more
const SPARE = 8; // metres around a block: a sprite that reaches into it asks for the light at its own place
const MOST_TEXELS = 8192; // along a side; GPUs have no larger textures everywhere

/** The width and height in texels of a map of things whose heights lie so many metres apart. */
function sizeOf(span: number): [width: number, height: number] {
  return [BLOCK * METRES_PER_PIXEL + SHEAR[0] * span, BLOCK / UP + Math.abs(LEAN) * span].map((metres) => Math.ceil((metres + 2 * SPARE) / LATTICE) * LATTICE * TEXELS) as [number, number];
}

const [WIDTH, HEIGHT] = sizeOf(HIGHEST);
const KEPT = Math.max(4, Math.min(24, Math.floor(18e6 / (WIDTH * HEIGHT)))); // maps

interface Map { target: WebGLRenderTarget; frame: Vector4; span: Vector2; used: number }

const material = new RawShaderMaterial({
  glslVersion: GLSL3, side: DoubleSide, uniforms: { shadowFrame: uniforms.shadowFrame, shadowSpan: uniforms.shadowSpan, shadowSize: uniforms.shadowSize }, colorWrite: false,
  vertexShader: /* glsl */ `
precision highp float;
in vec3 position;
uniform vec4 shadowFrame;
${TERRAIN ? "uniform vec2 shadowSpan, shadowSize;" : ""}
void main() {
  vec2 g = (position.xy + position.z * vec2(${SHEAR[0].toFixed(8)}, ${SHEAR[1].toFixed(8)}) - shadowFrame.xy) * shadowFrame.z;
${TERRAIN ? `
  // What stands higher than all that is seen may cast its shadow there.
  float height = min((position.z - shadowSpan.x) * shadowSpan.y, 1.0);
  gl_Position = vec4(g / shadowSize * 2.0 - 1.0, 1.0 - 2.0 * height, 1.0);`
  : `  gl_Position = vec4(g / vec2(${WIDTH}.0, ${HEIGHT}.0) * 2.0 - 1.0, 1.0 - 2.0 * position.z / shadowFrame.w, 1.0);`}
}`,
  fragmentShader: `precision mediump float; void main() {}`,
});

function drop({ target }: Map): void {
  target.depthTexture?.dispose();
  target.dispose();
}

/** The shadow maps of the blocks drawn last. */
export class Shadows {
  private readonly maps = new globalThis.Map<string, Map>();
  private readonly camera = new OrthographicCamera();
  private clock = 0;

  constructor(private readonly renderer: WebGLRenderer) {}

  /**
   * Points the uniforms at the map of block (bx, by), all that is seen in which lies between two heights; draws it first
   * when it is not kept.
   */
  use(bx: number, by: number, [low, high]: readonly [number, number], near: (box: [number, number, number, number]) => Part[]): void {
    const key = `${bx},${by}`;
    let map = this.maps.get(key);
    if (!map) {
      map = this.make(bx, by, low, high, near);
      this.maps.set(key, map);
    }
    map.used = ++this.clock;
    uniforms.shadowMap.value = map.target.depthTexture;
    uniforms.shadowFrame.value = map.frame;
    uniforms.shadowSpan.value = map.span;
    uniforms.shadowStart.value = new Vector2(bx * BLOCK * METRES_PER_PIXEL - map.frame.x, (-by * BLOCK) / UP - map.frame.y).multiplyScalar(TEXELS);
  }

  private make(bx: number, by: number, low: number, high: number, near: (box: [number, number, number, number]) => Part[]): Map {
    // In steps, so that a map that is no longer used fits another block.
    const metres = TERRAIN ? Math.ceil((high - low) / STEP) * STEP : high - low;
    const [width, height] = sizeOf(metres);
    if (Math.max(width, height) > MOST_TEXELS) throw new Error(`The ground in sight rises by ${Math.round(metres)} m, which is too much for a map of its shadows at this scale.`);
    let target: WebGLRenderTarget | undefined;
    if (this.maps.size >= KEPT) {
      const [oldest, map] = [...this.maps].reduce((a, b) => (a[1].used < b[1].used ? a : b));
      this.maps.delete(oldest);
      if (map.target.width === width && map.target.height === height) target = map.target;
      else drop(map);
    }
    target ??= new WebGLRenderTarget(width, height, {
      minFilter: NearestFilter, magFilter: NearestFilter, generateMipmaps: false, format: RedFormat,
      depthTexture: new DepthTexture(width, height, UnsignedShortType),
    });
    // A point of the block at height z lies at y + z * BEHIND = -pixel / UP, so its sheared y is lower by LEAN * z: or
    // higher, where the eye looks down more steeply than the sun.
    const x0 = Math.floor((bx * BLOCK * METRES_PER_PIXEL + SHEAR[0] * low - SPARE) / LATTICE) * LATTICE;
    const y0 = Math.floor(((-(by + 1) * BLOCK) / UP - Math.max(LEAN * low, LEAN * (low + metres)) - SPARE) / LATTICE) * LATTICE;
    const frame = new Vector4(x0, y0, TEXELS, metres), span = new Vector2(low, 1 / metres);
    const scene = new Scene();
    scene.matrixWorldAutoUpdate = false;
    uniforms.shadowMap.value = null;
    uniforms.shadowFrame.value = frame;
    uniforms.shadowSpan.value = span;
    uniforms.shadowSize.value = new Vector2(width, height);
    for (const chunk of near([x0, y0, x0 + width / TEXELS, y0 + height / TEXELS])) scene.children.push(...chunk.casters(material));
    this.renderer.setRenderTarget(target);
    this.renderer.clear();
    this.renderer.render(scene, this.camera);
    scene.children = [];
    return { target, frame, span, used: 0 };
  }
}
