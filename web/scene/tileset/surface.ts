// What is drawn of a tile's model: its triangles on the map's ground, with the colours that they came with.

import { BufferAttribute, BufferGeometry, DoubleSide, GLSL3, LessDepth, Matrix4, NoColorSpace, RawShaderMaterial, Vector3, Vector4, type Color, type InstancedMesh, type Material as ThreeMaterial, type Mesh as ThreeMesh, type Object3D, type Texture } from "three";
import { Stage, still } from "../chunk";
import { buildingId, Material, SURFACE } from "../material";
import { FRAGMENT_GLSL, uniforms, VERTEX_GLSL } from "../program";
import { sourceSettings } from "../settings";
import { Unfit } from "./decoder";
import { toScene } from "./earth";

/** What of a glTF material is drawn; whatever else a mesh may have is left out. */
interface Paint extends ThreeMaterial { color?: Color; map?: Texture | null; isMeshBasicMaterial?: boolean }

/** Attributes that number the features of a model, as GLTFLoader writes them: of 3D Tiles 1.1 and of 1.0. */
const FEATURES = ["_feature_id_0", "_batchid"];

/** The object id of all that has no features and no light of ours: its edges say nothing. */
const WHOLE = 15;

export class Surface {
  readonly objects: Object3D[] = [];
  readonly casters: ThreeMesh[] = [];

  /**
   * The surface of a model that stands in the earth's own axes; the model keeps none of its own geometry. Throws Unfit
   * for what cannot be drawn. The address decides the object ids.
   */
  constructor(model: Object3D, address: string) {
    model.updateMatrixWorld(true);
    const meshes: ThreeMesh[] = [];
    model.traverse((object) => {
      if ((object as Object3D & { isPoints?: boolean }).isPoints) throw new Unfit("it holds points, and only surfaces can be drawn");
      if ((object as ThreeMesh).isMesh) meshes.push(object as ThreeMesh);
    });
    meshes.forEach((mesh, i) => this.add(mesh, `${address}#${i}`));
  }

  /** Frees what the model's own end does not free. */
  drop(): void {
    for (const object of this.objects) ((object as ThreeMesh).material as ThreeMaterial).dispose();
  }

  private add(mesh: ThreeMesh, name: string): void {
    const paint = mesh.material as Paint;
    const lit = !paint.isMeshBasicMaterial; // KHR_materials_unlit: the light is in its colours already
    const geometry = onGround(mesh, name, lit);
    mesh.geometry = geometry; // freed together with the model
    if (paint.map) paint.map.colorSpace = NoColorSpace; // colours are taken as they are stored
    const [x, y, z] = geometry.getAttribute("position").array;
    const material = new RawShaderMaterial({
      glslVersion: GLSL3, side: DoubleSide, depthFunc: LessDepth, vertexShader: VERTEX, fragmentShader: FRAGMENT,
      defines: paint.map ? { MAP: 1 } : {},
      uniforms: {
        ...uniforms, map: { value: paint.map ?? null }, lit: { value: lit ? 1 : 0 }, anchor: { value: new Vector3(x, y, z) },
        cutoff: { value: paint.alphaTest || (paint.transparent ? 0.5 : 0) }, building: { value: sourceSettings.kind === "cityjson" ? 1 : 0 },
      },
    });
    this.objects.push(still(geometry, material, Stage.roof));
    if (lit) this.casters.push(still(geometry));
  }
}

/** The triangles of a mesh in view ground metres. */
function onGround(mesh: ThreeMesh, name: string, lit: boolean): BufferGeometry {
  const { geometry, material } = mesh;
  const { color, map, opacity } = material as Paint;
  const position = geometry.getAttribute("position"), uv = geometry.getAttribute(`uv${map?.channel || ""}`), tint = geometry.getAttribute("color");
  const feature = FEATURES.map((known) => geometry.getAttribute(known)).find(Boolean);
  const places = (mesh as InstancedMesh).isInstancedMesh ? Array.from({ length: (mesh as InstancedMesh).count }, (_, i) => instance(mesh as InstancedMesh, i)) : [mesh.matrixWorld];
  const count = position.count;
  const points = new Float32Array(count * places.length * 3), at = new Float32Array(count * places.length * 2);
  const paint = new Uint8Array(count * places.length * 4), tag = new Uint32Array(count * places.length);
  const point = new Vector3(), corner = new Vector3(), colour = new Vector4();
  map?.updateMatrix();
  places.forEach((matrix, place) => {
    for (let i = 0; i < count; i++) {
      const to = place * count + i;
      points.set(toScene(point.fromBufferAttribute(position, i).applyMatrix4(matrix)), to * 3);
      if (map && uv) {
        corner.set(uv.getX(i), uv.getY(i), 1).applyMatrix3(map.matrix);
        at.set([corner.x, corner.y], to * 2);
      }
      colour.set(color?.r ?? 1, color?.g ?? 1, color?.b ?? 1, opacity);
      if (tint) colour.multiply(point4.set(tint.getX(i), tint.getY(i), tint.getZ(i), tint.itemSize > 3 ? tint.getW(i) : 1));
      paint.set([stored(colour.x), stored(colour.y), stored(colour.z), Math.round(Math.min(1, colour.w) * 255)], to * 4);
      tag[to] = feature ? buildingId(digest(`${name.replace(/#.*/, "")}#${feature.getX(i)}#${place}`)) : lit ? buildingId(digest(`${name}#${place}`)) : WHOLE;
    }
  });
  if (points.some((value) => !Number.isFinite(value))) throw new Unfit("its points are no places on earth");
  const made = new BufferGeometry();
  made.setAttribute("position", new BufferAttribute(points, 3));
  made.setAttribute("uv", new BufferAttribute(at, 2));
  made.setAttribute("paint", new BufferAttribute(paint, 4, true));
  made.setAttribute("tag", new BufferAttribute(tag, 1));
  const index = geometry.getIndex();
  if (places.length > 1 || index) {
    const one = index ? Array.from({ length: index.count }, (_, i) => index.getX(i)) : Array.from({ length: count }, (_, i) => i);
    made.setIndex(new BufferAttribute(new Uint32Array(places.flatMap((_, place) => one.map((i) => place * count + i))), 1));
  }
  return made;
}

const point4 = new Vector4();

function instance(mesh: InstancedMesh, i: number): Matrix4 {
  const matrix = new Matrix4();
  mesh.getMatrixAt(i, matrix);
  return matrix.premultiply(mesh.matrixWorld);
}

/** The byte that a linear value is stored as in a picture. */
function stored(value: number): number {
  const v = Math.max(0, Math.min(1, value));
  return Math.round((v < 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055) * 255);
}

/** 32 mixed bits of a text (FNV-1a). */
function digest(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

const VERTEX = /* glsl */ `${VERTEX_GLSL}
uniform vec3 anchor;
in vec3 position;
in vec2 uv;
in vec4 paint;
in uint tag;
out vec3 place, near;
out vec2 at;
out vec4 tint;
flat out uint id;
void main() {
  place = position;
  near = position - anchor;
  at = uv;
  tint = paint;
  id = tag;
  gl_Position = project(position);
}`;

const FRAGMENT = /* glsl */ `${FRAGMENT_GLSL}
uniform sampler2D map;
uniform float lit, cutoff, building;
in vec3 place, near;
in vec2 at;
in vec4 tint;
flat in uint id;

/** material.ts: normalCode. */
float code(vec3 n) {
  if (n.z > 0.98) return 0.0;
  float turn = fract(atan(n.y, n.x) / 6.28318531 + 1.0);
  return n.z > 0.1 ? 1.0 + mod(floor(turn * 8.0 + 0.5), 8.0) : 10.0 + mod(floor(turn * 16.0 + 0.5), 16.0);
}

/** Sunlight where the block's shadow map reaches; it holds heights from 0 on. */
float reached(vec3 p) {
  vec2 g = (p.xy + p.z * SHEAR - shadowFrame.xy) * shadowFrame.z;
  return any(lessThan(g, vec2(0.0))) || any(greaterThanEqual(g, vec2(textureSize(shadowMap, 0)))) ? 1.0 : sunlight(p, 0.30);
}

void main() {
  vec4 colour = tint;
#ifdef MAP
  colour *= texture(map, at);
#endif
  // The face's own normal: what a model says instead is for smooth shapes, which pixel art has none of.
  vec3 n = cross(dFdx(near), dFdy(near)), eye = fromScreen(vec3(0.0, 0.0, 1.0));
  n = dot(n, n) > 0.0 ? normalize(n) : eye;
  if (dot(n, eye) < 0.0) n = -n;
  if (colour.a < cutoff) discard;
  if (lit > 0.5) colour.rgb *= light(n, dot(n, SUN) > 0.0 ? reached(place + n * 0.12) : 0.0);
  float material = building > 0.5 ? (n.z > 0.1 ? ${Material.roof}.0 : ${Material.wall}.0) : ${SURFACE}.0;
  plane(colour.rgb, vec4(id >> 8, id & 255u, material, code(n)), place);
}`;
