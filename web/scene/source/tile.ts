// A vector tile (Mapbox Vector Tile 2.1), turned into what stands on its ground.

import { VectorTile, type VectorTileFeature } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";
import { counterClockwise, NOTHING, round, turn, type Cut, type Features, type Ring } from "../city";
import { tileToGround } from "../place";
import { areaOf, clipLine, clipRing, LEAST_AREA, polygons, type Point } from "./clip";
import { SCHEMAS, schemaOf, type Schema } from "./schema";

/** A ring of the grid of tiles, in view ground metres. */
export const laid = (zoom: number, points: readonly Point[]): Ring => turn(points.flatMap((p) => tileToGround(zoom, p.x, p.y).map(round)));

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
    const placed = (points: readonly Point[]) => points.map((p) => ({ x: column + p.x / extent, y: row + p.y / extent }));
    const flat = (points: readonly Point[]) => laid(zoom, placed(points));
    if (feature.type === 3) {
      const building = reader.building?.(properties) ?? null;
      const kind = building ? null : reader.area?.(properties) ?? null;
      if (!building && kind === null) return;
      for (const polygon of polygons(geometryOf(feature).map((ring) => ring.slice(0, -1)))) {
        const rings = polygon.map((ring) => clipRing(ring, extent)).filter((ring) => Math.abs(areaOf(ring)) > LEAST_AREA);
        if (!rings.length || rings[0].length < 3) continue;
        const atBorder = rings[0].some(({ x, y }) => x === 0 || y === 0 || x === extent || y === extent);
        const cut: Cut | undefined = atBorder ? { zoom, column, row, units: extent, id: feature.id, rings: rings.map(placed) } : undefined;
        if (building) found.buildings.push({ ...building, rings: rings.map((ring) => counterClockwise(flat(ring))), cut });
        else found.areas.push({ kind: kind!, rings: rings.map(flat), cut });
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
