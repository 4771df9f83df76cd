// A source tile on the ground: what stands on it, its areas as one mesh, its streets cut at their junctions.
//
// Streets meet across the borders of tiles, so a plot needs the tiles around its own; it depends on nothing else.

import type { Object3D, Mesh as ThreeMesh } from "three";
import { overlaps, Stage, still, type Box } from "./chunk";
import { boxOf, type Area, type Building, type Features } from "./city";
import { FLAT } from "./flat";
import { layAreas } from "./ground";
import { groundProgram, Solid } from "./solid";
import type { Tile } from "./source/supply";
import { linksOf, type Link } from "./street";

const NEAR = 300; // metres around a tile within which other streets can change its junctions

/** Something with the box of ground that it lies in. */
export interface Boxed<T> { thing: T; box: Box }

const boxed = <T>(things: readonly T[], points: (thing: T) => number[]): Boxed<T>[] => things.map((thing) => ({ thing, box: boxOf(points(thing)) }));

export class Plot {
  readonly buildings: Boxed<Building>[];
  readonly areas: Boxed<Area>[];
  readonly links: Boxed<Link>[];
  private paint: Object3D | null | undefined;

  /** The plot of a tile, given the tiles around it, itself among them, in a fixed order. */
  constructor(tile: Tile, around: readonly Features[]) {
    const { buildings, areas, roads } = tile.features;
    this.buildings = boxed(buildings, (building) => building.rings[0]);
    this.areas = boxed(areas, (area) => area.rings[0]);
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

  /** Frees the mesh; it is built again, the same, when it is needed again. */
  drop(): void {
    (this.paint as ThreeMesh | null | undefined)?.geometry.dispose();
    this.paint = undefined;
  }
}
