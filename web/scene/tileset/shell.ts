// Buildings as solids, as services/renderer/sources/cityjson.py cuts them out of CityJSON: walls and roofs in our colours.

import earcut from "earcut";
import { BufferAttribute, BufferGeometry, Color, Group, Mesh, MeshStandardMaterial, SRGBColorSpace, Vector3, type Object3D } from "three";
import { hash } from "../hash";
import { HOUSES, PITCHED_ROOFS, type Colour } from "../palette";

/** A square of ground: points in metres from its middle, and polygons of them, each with its holes behind it. */
interface Shells { points: number[]; objects: { id: number; surfaces: number[][][]; roofs: number[] }[] }

/** The model of a content that ends with .surfaces. */
export function shellsOf(content: ArrayBuffer): Object3D {
  const { points, objects } = JSON.parse(new TextDecoder().decode(content)) as Shells;
  const position: number[] = [], colour: number[] = [], feature: number[] = [];
  const paint = new Color();
  const pointOf = (i: number) => new Vector3(points[3 * i], points[3 * i + 1], points[3 * i + 2]);
  for (const { id, surfaces, roofs } of objects) {
    const roofed = new Set(roofs);
    surfaces.forEach((rings, index) => {
      const corners = rings.map((ring) => ring.map(pointOf));
      const [r, g, b] = pick(roofed.has(index) ? PITCHED_ROOFS : HOUSES, id);
      paint.setRGB(r / 255, g / 255, b / 255, SRGBColorSpace);
      const flat = corners.flat();
      for (const corner of triangles(corners)) {
        position.push(...flat[corner].toArray());
        colour.push(paint.r, paint.g, paint.b);
        feature.push(id);
      }
    });
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(position), 3));
  geometry.setAttribute("color", new BufferAttribute(new Float32Array(colour), 3));
  geometry.setAttribute("_feature_id_0", new BufferAttribute(new Uint32Array(feature), 1));
  return new Group().add(new Mesh(geometry, new MeshStandardMaterial()));
}

const pick = (colours: readonly Colour[], id: number): Colour => colours[hash(id, 0, 3) % colours.length];

/** Cuts a polygon in space into triangles, seen along the axis that it faces most. */
function triangles(rings: readonly Vector3[][]): number[] {
  // Newell's normal: right also for a polygon that is not quite flat.
  const normal = new Vector3();
  rings[0].forEach((a, i) => {
    const b = rings[0][(i + 1) % rings[0].length];
    normal.add(new Vector3((a.y - b.y) * (a.z + b.z), (a.z - b.z) * (a.x + b.x), (a.x - b.x) * (a.y + b.y)));
  });
  const [x, y, z] = normal.toArray().map(Math.abs);
  const along = z >= x && z >= y ? ["x", "y"] as const : x >= y ? ["y", "z"] as const : ["x", "z"] as const;
  const holes: number[] = [];
  let count = 0;
  for (const ring of rings) {
    if (count) holes.push(count);
    count += ring.length;
  }
  return earcut(rings.flatMap((ring) => ring.flatMap((p) => [p[along[0]], p[along[1]]])), holes);
}
