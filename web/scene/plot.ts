// A source tile on the ground: what stands on it, its areas as one mesh, its streets cut at their junctions.
//
// Streets meet across the borders of tiles, so a plot needs the tiles around its own; it depends on nothing else.

import type { Object3D, Mesh as ThreeMesh } from "three";
import { overlaps, Stage, still, type Box } from "./chunk";
import { boxOf, counterClockwise, type Area, type Building, type Cut, type Features } from "./city";
import { FLAT } from "./flat";
import { Sheets, type Sheet } from "./drape";
import { layAreas } from "./ground";
import { groundProgram, Solid } from "./solid";
import { wholesOf, type Piece, type Whole } from "./source/piece";
import type { Tile } from "./source/supply";
import { laid } from "./source/tile";
import { linksOf, type Link } from "./street";

const NEAR = 300; // metres around a tile within which other streets can change its junctions

const WIDEST = 380; // metres; a wider building stays in pieces, since each district knows its surroundings only so far

/** Something with the box of ground that it lies in; what several tiles have in part has one key in all of them. */
export interface Boxed<T> { thing: T; box: Box; key?: string }

const boxed = <T>(things: readonly T[], points: (thing: T) => number[]): Boxed<T>[] => things.map((thing) => ({ thing, box: boxOf(points(thing)) }));

export class Plot {
  readonly buildings: Boxed<Building>[];
  readonly areas: Boxed<Area>[];
  readonly links: Boxed<Link>[];
  private paint: Object3D | null | undefined;
  private faces: Sheet[] | undefined;

  /** The plot of a tile, given the tiles around it, itself among them, in a fixed order. */
  constructor(tile: Tile, around: readonly Features[]) {
    const { buildings, areas, roads } = tile.features;
    this.buildings = wholeBuildings(tile, buildings, around);
    this.areas = wholeAreas(tile, areas, around);
    const [x0, y0, x1, y1] = boxOf(roads.flatMap(({ line }) => boxOf(line)));
    const near: Box = [x0 - NEAR, y0 - NEAR, x1 + NEAR, y1 + NEAR];
    const own = new Set(roads);
    const all = around.flatMap((features) => features.roads).filter((road) => own.has(road) || overlaps(boxOf(road.line), near));
    this.links = boxed(linksOf(all).filter((link) => own.has(link.road)), (link) => link.points.flat());
  }

  /** The mesh of its areas, or null when it has none. */
  ground(): Object3D | null {
    if (this.paint === undefined) {
      const solid = new Solid();
      if (!FLAT) layAreas(solid, this.areas.map(({ thing }) => thing));
      const geometry = solid.mesh.geometry();
      this.paint = geometry && still(geometry, groundProgram, Stage.area);
    }
    return this.paint;
  }

  /** The faces of its areas, to be laid on ground that is not level. */
  sheets(): readonly Sheet[] {
    if (!this.faces) {
      const sheets = new Sheets();
      layAreas(sheets, this.areas.map(({ thing }) => thing));
      this.faces = sheets.all;
    }
    return this.faces;
  }

  /** Frees the mesh; it is built again, the same, when it is needed again. */
  drop(): void {
    (this.paint as ThreeMesh | null | undefined)?.geometry.dispose();
    this.paint = undefined;
  }
}

/** Puts together what lies in a tile, as what both sides of a border call it, from what lies in it and around it. */
function wholes<T extends { cut?: Cut }>({ column, row }: Tile, things: readonly T[], words: (thing: T) => string): Whole<Piece & { thing: T }>[] {
  return wholesOf(column, row, things.flatMap((thing) => (thing.cut ? [{ thing, cut: thing.cut, words: words(thing) }] : [])));
}

/** The buildings of a tile; those that its borders cut are whole, and stand in every tile that has a piece of them. */
function wholeBuildings(tile: Tile, own: readonly Building[], around: readonly Features[]): Boxed<Building>[] {
  const pieces = new Set<Building>();
  const found: Boxed<Building>[] = [];
  const all = around.flatMap(({ buildings }) => buildings);
  for (const whole of wholes(tile, all, ({ type, height, base }) => `${type},${height},${base}`)) {
    const made = whole.polygons.map((polygon, i): Boxed<Building> => {
      const rings = polygon.map((ring) => counterClockwise(laid(whole.pieces[0].cut.zoom, ring)));
      return { thing: { ...whole.pieces[0].thing, rings, cut: undefined }, box: boxOf(rings[0]), key: `${whole.key},${i}` };
    });
    if (made.some(({ box: [x0, y0, x1, y1] }) => Math.max(x1 - x0, y1 - y0) > WIDEST)) continue;
    for (const { thing } of whole.pieces) pieces.add(thing);
    found.push(...made);
  }
  return [...boxed(own.filter((building) => !pieces.has(building)), (building) => building.rings[0]), ...found];
}

/** The areas of a tile; each piece of one that its borders cut knows the whole. */
function wholeAreas(tile: Tile, own: readonly Area[], around: readonly Features[]): Boxed<Area>[] {
  const known = new Map<Area, { whole: Area["whole"]; key: string }>();
  for (const { key, pieces, polygons } of wholes(tile, around.flatMap(({ areas }) => areas), ({ kind }) => kind)) {
    if (polygons.length > 1) continue;
    const whole = polygons[0].map((ring) => laid(pieces[0].cut.zoom, ring));
    for (const { thing } of pieces) known.set(thing, { whole, key });
  }
  return own.map((area) => {
    const { whole, key } = known.get(area) ?? {};
    return { thing: whole ? { ...area, whole } : area, box: boxOf(area.rings[0]), key };
  });
}
