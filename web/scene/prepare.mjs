// Writes the sample city: the nine San Francisco vector tiles of @mapbox/mvt-fixtures as one file of ground metres.
//
// The file: {source, attribution, centre: [lat, lon], bounds: [x0, y0, x1, y1], buildings, areas, roads}, where x is
// metres east and y metres south of the centre. A building is {type, height, base, rings}, an area {kind, rings},
// a road {kind, structure, oneway, line}; rings and lines are flat [x, y, x, y, …], a ring's last point is not repeated.

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { VectorTile } from "@mapbox/vector-tile";
import { PbfReader } from "pbf";

const here = dirname(fileURLToPath(import.meta.url));
const tiles = join(here, "../node_modules/@mapbox/mvt-fixtures/real-world/sanfrancisco");
const target = join(here, "../dist/cities/sanfrancisco.json");
const centre = [37.7664, -122.4481];
const EARTH = 40075016.686;

const [lat, lon] = centre.map((degrees) => (degrees * Math.PI) / 180);
const shrink = EARTH * Math.cos(lat); // web mercator stretches by 1 / cos(latitude)
const centreX = lon / (2 * Math.PI) + 0.5;
const centreY = 0.5 - Math.log(Math.tan(Math.PI / 4 + lat / 2)) / (2 * Math.PI);

/** Cuts a closed ring of tile units to the tile, one border after the other (Sutherland and Hodgman, 1974). */
function clipRing(ring, extent) {
  let points = ring;
  for (const [axis, limit, sign] of [["x", 0, 1], ["x", extent, -1], ["y", 0, 1], ["y", extent, -1]]) {
    const inside = (p) => (p[axis] - limit) * sign >= 0;
    const cut = [];
    points.forEach((b, i) => {
      const a = points[(i + points.length - 1) % points.length];
      if (inside(a) !== inside(b)) {
        const t = (limit - a[axis]) / (b[axis] - a[axis]);
        cut.push({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
      }
      if (inside(b)) cut.push(b);
    });
    points = cut;
  }
  return points;
}

/** Cuts a line of tile units to the tile; returns the pieces inside (Liang and Barsky, 1984). */
function clipLine(line, extent) {
  const pieces = [];
  let piece = [];
  for (let i = 1; i < line.length; i++) {
    const [a, b] = [line[i - 1], line[i]];
    let [t0, t1] = [0, 1];
    for (const [from, step] of [[a.x, b.x - a.x], [a.y, b.y - a.y]]) {
      for (const [p, q] of [[-step, from], [step, extent - from]]) {
        if (p === 0) { if (q < 0) t1 = -1; }
        else if (p < 0) t0 = Math.max(t0, q / p);
        else t1 = Math.min(t1, q / p);
      }
    }
    if (t0 > t1) { if (piece.length) pieces.push(piece); piece = []; continue; }
    const at = (t) => ({ x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t });
    if (!piece.length) piece.push(at(t0));
    piece.push(at(t1));
    if (t1 < 1) { pieces.push(piece); piece = []; }
  }
  if (piece.length) pieces.push(piece);
  return pieces;
}

const area = (ring) => ring.reduce((sum, b, i) => {
  const a = ring[(i + ring.length - 1) % ring.length];
  return sum + (a.x * b.y - b.x * a.y) / 2;
}, 0);

/** Splits a feature's rings into polygons: in vector tiles an outer ring has a positive area, its holes follow it. */
function polygons(rings) {
  const found = [];
  for (const ring of rings) {
    if (area(ring) > 0) found.push([ring]);
    else found.at(-1)?.push(ring);
  }
  return found;
}

const city = {
  source: "npm @mapbox/mvt-fixtures real-world/sanfrancisco", attribution: "© OpenStreetMap contributors",
  centre, bounds: [Infinity, Infinity, -Infinity, -Infinity], buildings: [], areas: [], roads: [],
};

for (const file of readdirSync(tiles).filter((name) => name.endsWith(".mvt")).sort()) {
  const [z, column, row] = file.split(/[-.]/).map(Number);
  const tile = new VectorTile(new PbfReader(readFileSync(join(tiles, file))));
  const metres = (p, extent) => [((column + p.x / extent) / 2 ** z - centreX) * shrink, ((row + p.y / extent) / 2 ** z - centreY) * shrink];
  const round = (value) => Math.round(value * 100) / 100;
  const flat = (points, extent) => points.flatMap((p) => metres(p, extent).map(round));

  const corner = [metres({ x: 0, y: 0 }, 1), metres({ x: 1, y: 1 }, 1)];
  city.bounds = [Math.min(city.bounds[0], corner[0][0]), Math.min(city.bounds[1], corner[0][1]),
    Math.max(city.bounds[2], corner[1][0]), Math.max(city.bounds[3], corner[1][1])];

  // contour and hillshade are left out on purpose: they are not OpenStreetMap's.
  for (const name of ["building", "landcover", "landuse", "water", "waterway", "road"]) {
    const layer = tile.layers[name];
    for (let i = 0; i < (layer?.length ?? 0); i++) {
      const feature = layer.feature(i);
      const { properties, extent } = feature;
      const geometry = feature.loadGeometry().map((part) => part.map(({ x, y }) => ({ x, y })));
      if (feature.type === 3) {
        for (const polygon of polygons(geometry.map((ring) => ring.slice(0, -1)))) {
          const rings = polygon.map((ring) => clipRing(ring, extent)).filter((ring) => Math.abs(area(ring)) > 4);
          if (!rings.length || rings[0].length < 3) continue;
          const flatRings = rings.map((ring) => flat(ring, extent));
          if (name !== "building") city.areas.push({ kind: name === "water" ? "water" : `${name}/${properties.type ?? properties.class}`, rings: flatRings });
          else if (properties.underground !== "true" && properties.type !== "roof") {
            city.buildings.push({ type: properties.type, height: properties.height ?? 6, base: properties.min_height ?? 0, rings: flatRings });
          }
        }
      } else if (feature.type === 2) {
        const kind = name === "waterway" ? "waterway" : `${properties.class}/${properties.type}`;
        for (const line of geometry.flatMap((part) => clipLine(part, extent))) {
          city.roads.push({ kind, structure: properties.structure ?? "none", oneway: properties.oneway === "true", line: flat(line, extent) });
        }
      }
    }
  }
}

city.bounds = city.bounds.map((value) => Math.round(value * 100) / 100);
mkdirSync(dirname(target), { recursive: true });
const text = JSON.stringify(city);
writeFileSync(target, text);
console.log(`${target}: ${city.buildings.length} buildings, ${city.areas.length} areas, ${city.roads.length} roads, ${(text.length / 1e6).toFixed(1)} MB`);
