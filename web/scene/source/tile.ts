// A vector tile (Mapbox Vector Tile 2.1), turned into what stands on its ground.

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { counterClockwise, NOTHING, round, turn, type Features } from "../city";
import { tileToGround } from "../place";
import { areaOf, clipLine, clipRing, polygons, type Point } from "./clip";
import { SCHEMAS, schemaOf, type Schema } from "./schema";

const LEAST_AREA = 4; // square tile units; smaller pieces are left by cutting at the border

/** What a tile holds. An unnamed schema is found by the layers; throws a plain sentence for what is no vector tile. */
export function decode(content: ArrayBuffer, zoom: number, column: number, row: number, named: string | null): Features {
  let tile: VectorTile;
  try {
    tile = new VectorTile(new PbfReader(new Uint8Array(content)));
  } catch (error) {
    throw new Error(`It is no vector tile, or a broken one (${String(error)}).`);
  }
  const layers = Object.keys(tile.layers);
  if (!layers.length) return NOTHING;
  const schema: Schema | null = named === null ? schemaOf(layers) : SCHEMAS[named];
  if (!schema) throw new Error(`Its layers (${layers.slice(0, 8).join(", ")}) are of no schema that is known here.`);
  const found: Features = { buildings: [], areas: [], roads: [] };
  for (const [name, reader] of Object.entries(schema.layers)) {
    const layer = tile.layers[name];
    for (let i = 0; i < (layer?.length ?? 0); i++) {
      try {
        read(layer.feature(i), reader);
      } catch (error) {
        throw new Error(`Feature ${i} of its layer ${name} is broken (${String(error)}).`);
      }
    }
  }
  return found;

  function read(feature: VectorTileFeature, reader: Schema["layers"][string]): void {
    const { properties, extent } = feature;
    const flat = (points: readonly Point[]) => turn(points.flatMap((p) => tileToGround(zoom, column + p.x / extent, row + p.y / extent).map(round)));
    if (feature.type === 3) {
      const building = reader.building?.(properties) ?? null;
      const kind = building ? null : reader.area?.(properties) ?? null;
      if (!building && kind === null) return;
      for (const polygon of polygons(geometryOf(feature).map((ring) => ring.slice(0, -1)))) {
        const rings = polygon.map((ring) => clipRing(ring, extent)).filter((ring) => Math.abs(areaOf(ring)) > LEAST_AREA);
        if (!rings.length || rings[0].length < 3) continue;
        if (building) found.buildings.push({ ...building, rings: rings.map((ring) => counterClockwise(flat(ring))) });
        else found.areas.push({ kind: kind!, rings: rings.map(flat) });
      }
    } else if (feature.type === 2) {
      const road = reader.road?.(properties) ?? null;
      if (!road) return;
      for (const line of geometryOf(feature).flatMap((part) => clipLine(part, extent))) found.roads.push({ ...road, line: flat(line) });
    }
  }
}

function geometryOf(feature: VectorTileFeature): Point[][] {
  const geometry = feature.loadGeometry().map((part) => part.map(({ x, y }) => ({ x, y })));
  if (!geometry.every((part) => part.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)))) throw new Error("its shape has no end");
  return geometry;
}
