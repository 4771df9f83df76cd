// Source tiles on their way into the page: fetched from our own site, decoded, kept while they are used.

import type { Features } from "../city";
import { NOTHING, round } from "../city";
import { groundToTile, tileToGround } from "../place";
import { HIGHEST } from "../shadow";
import type { TileSet } from "../tileset/tileset";
import { readFootprints } from "./footprints";
import { asked, Missing, type Failure } from "./missing";
import { schemaOf, SCHEMAS } from "./schema";
import { Store } from "./store";
import { decode } from "./tile";

/** What services/renderer/sources says of the source at /source.json. */
export interface Description {
  name: string;
  attribution: string;
  zoom: number;
  tiles: [number, number, number, number]; // the first and the last column and row: x0, y0, x1, y1
  schema: string | null;
  layers: string[]; // the layers that its tiles may have, where it says so
  reach: number; // metres that a feature may reach out of its tile
  terrain_zoom?: number; // of the tiles of heights, where the ground is not level
  version: string; // which state of the source it is
}

/** A source tile. */
export interface Tile { column: number; row: number; features: Features }

const KEPT = 150_000; // features of decoded tiles; a kilobyte each
const ON_ROOF = 8; // metres for what stands on a roof

/** Reads what the source says of itself; throws a plain sentence when it cannot be used. */
export async function describe(): Promise<Description | TileSet> {
  const answer = await fetch("/source.json");
  if (!answer.ok) throw new Error(`The source could not be read: ${(await answer.text()).slice(0, 300)}`);
  return (await answer.json()) as Description | TileSet;
}

/** The tiles of a source. What a tile holds never changes while the page is open. */
export class Supply {
  private readonly store: Store<Tile>;
  private readonly schema: string | null;
  private readonly origin: [column: number, row: number]; // the map's origin in the tile grid
  private readonly metres: number; // along each side of a tile

  constructor(private readonly source: Description) {
    this.origin = groundToTile(source.zoom, 0, 0);
    this.metres = tileToGround(source.zoom, 0, 1)[1] - tileToGround(source.zoom, 0, 0)[1];
    const named = Object.entries(SCHEMAS).find(([, schema]) => schema === schemaOf(source.layers));
    this.schema = source.schema ?? named?.[0] ?? null;
    this.store = new Store(KEPT, `tile ${source.zoom}`, (column, row) => this.fetch(column, row), ({ features: { buildings, areas, roads } }) => buildings.length + areas.length + roads.length);
  }

  /** The ground that the source covers, [x0, y0, x1, y1] in metres east and south of the origin. */
  get bounds(): [number, number, number, number] {
    const [x0, y0, x1, y1] = this.source.tiles;
    return [...this.corner(x0, y0), ...this.corner(x1 + 1, y1 + 1)] as [number, number, number, number];
  }

  /** The zoom of the tiles of heights; null where the ground is level. */
  get terrainZoom(): number | null {
    return this.source.terrain_zoom ?? null;
  }

  /** The tiles with features on a box of ground given in metres east and south, in a fixed order. */
  under([x0, y0, x1, y1]: readonly number[]): [column: number, row: number][] {
    const { reach } = this.source;
    const [column, row] = this.origin;
    const tile = (metres: number, from: number) => Math.floor(metres / this.metres + from);
    return this.within(tile(x0 - reach, column), tile(y0 - reach, row), tile(x1 + reach, column), tile(y1 + reach, row));
  }

  // Counted from the origin and not the short way round the earth, since a source may cover all of it.
  private corner(column: number, row: number): [east: number, south: number] {
    return [round((column - this.origin[0]) * this.metres), round((row - this.origin[1]) * this.metres)];
  }

  /** A tile and those around it, as far as the source has them, in a fixed order. */
  around(column: number, row: number): [column: number, row: number][] {
    return this.within(column - 1, row - 1, column + 1, row + 1);
  }

  private within(x0: number, y0: number, x1: number, y1: number): [column: number, row: number][] {
    const [left, top, right, bottom] = this.source.tiles;
    const found: [number, number][] = [];
    for (let x = Math.max(x0, left); x <= Math.min(x1, right); x++) for (let y = Math.max(y0, top); y <= Math.min(y1, bottom); y++) found.push([x, y]);
    return found;
  }

  /** Loads tiles that are not kept yet; says of each what it holds, or why that is not known. */
  load(wanted: readonly [column: number, row: number][]): Promise<{ tiles: Map<string, Tile>; failed: Failure[] }> {
    return this.store.load(wanted);
  }

  private async fetch(column: number, row: number): Promise<Tile> {
    const { zoom } = this.source;
    const { answer, address } = await asked(`/tiles/${zoom}/${column}/${row}`, `tile ${zoom}/${column}/${row}`);
    if (answer.status === 204) return { column, row, features: NOTHING };
    const content = await answer.arrayBuffer();
    try {
      const features = answer.headers.get("Content-Type")?.startsWith("application/json") ? readFootprints(content) : decode(content, zoom, column, row, this.schema);
      for (const building of features.buildings) building.height = Math.min(building.height, HIGHEST - ON_ROOF);
      return { column, row, features };
    } catch (error) {
      throw new Missing({ address, reason: error instanceof Error ? error.message : String(error) });
    }
  }
}
