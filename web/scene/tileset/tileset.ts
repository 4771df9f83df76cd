// A tile set (3D Tiles): which of its tiles a block shows, loaded, decoded, and kept while they are used.
//
// The tiles of a block follow from the block alone. Its own upright view of the earth decides which lie in it, and as
// that view has no perspective, one error in world pixels decides everywhere how fine they are: never what happens to be
// loaded, or was seen before.

import { TilesRenderer } from "3d-tiles-renderer/three";
import { OrthographicCamera, Sphere, Vector3, type Object3D } from "three";
import { METRES_PER_PIXEL, toPixel } from "../camera";
import type { Box } from "../chunk";
import { BLOCK } from "../program";
import type { Part, Scenery } from "../scenery";
import { sourceSettings } from "../settings";
import { HIGHEST } from "../shadow";
import { Missing, type Failure } from "../source/missing";
import { keyOf } from "../source/store";
import { fetched, here, nameOf, originOf } from "./address";
import { backdropWith } from "./backdrop";
import { inWords, reading } from "./decoder";
import { sightOf, toScene } from "./earth";
import { shellsOf } from "./shell";
import { Surface } from "./surface";
import type { Tile } from "3d-tiles-renderer/core";

/** What services/renderer/sources says of a tile set at /source.json. */
export interface TileSet { name: string; attribution: string; version: string; root: string; shadows: boolean }

const KEPT_BYTES = 300 * 2 ** 20; // of decoded tiles; a frame of a photographed city needs a fifth of it
const MOST_BYTES = 450 * 2 ** 20;
const ROOM_MS = 3_000; // for what is no longer used to make room for what is
const PATIENCE_MS = 60_000; // for all tiles of one frame, each of which has its own, shorter time
const LOADED = 4, FAILED = -1; // of the library's states

type Inner = TilesRenderer & {
  rootLoadingState: number; frameCount: number;
  stats: { queued: number; downloading: number; parsing: number; refused: number };
  markTileUsed(tile: Tile): void;
  parseTile(content: ArrayBuffer, tile: Tile, extension: string, url: string, signal: AbortSignal): Promise<void>;
  traverse(before: (tile: object) => boolean, after: null, all: boolean): void;
};
type Known = Tile & { traversal: { lastFrameVisited: number } };

// The library waits for animation frames between its steps, which a page that nobody looks at may get rarely or never.
window.requestAnimationFrame = (step) => window.setTimeout(() => step(performance.now()), 0);
window.cancelAnimationFrame = (handle) => window.clearTimeout(handle);

export class TileSetWorld implements Scenery {
  readonly heights = [-1_000, 9_000] as const;
  readonly shaded = [0, HIGHEST] as const;
  bounds: Box = [0, 0, 0, 0];
  private readonly tiles: Inner;
  private readonly eye = new OrthographicCamera();
  private readonly surfaces = new Map<Tile, Surface>();
  private readonly failures = new Map<Tile | null, Failure>();
  private readonly waiting = new Set<ReadonlyMap<string, Tile[]>>(); // what was loaded and is not laid out yet
  private turn: Promise<unknown> = Promise.resolve();
  private readonly backdrop: Object3D;
  private laidOut: ReadonlyMap<string, Tile[]> = new Map();
  private here: Tile[] = [];

  constructor(private readonly source: TileSet) {
    this.backdrop = backdropWith(source.shadows);
    this.tiles = new TilesRenderer(here(source.root)) as Inner;
    const { tiles } = this;
    tiles.errorTarget = sourceSettings.detail ?? 4;
    // Nothing but what a block shows: neither what is coarser, to bridge the time, nor what lies beside it.
    tiles.loadAncestors = tiles.loadSiblings = false;
    tiles.maxTilesProcessed = Infinity;
    [tiles.lruCache.minSize, tiles.lruCache.maxSize] = [0, 20_000];
    [tiles.lruCache.minBytesSize, tiles.lruCache.maxBytesSize] = [KEPT_BYTES, MOST_BYTES];
    tiles.setCamera(this.eye);
    this.eye.matrixAutoUpdate = false;
    tiles.registerPlugin({
      preprocessURL: here,
      fetchData: fetched,
      parseTile: (content: ArrayBuffer, tile: Tile, extension: string, url: string, signal: AbortSignal) => this.parse(content, tile, extension, url, signal),
      parseToMesh: async (content: ArrayBuffer, _tile: Tile, extension: string) => (extension === "surfaces" ? shellsOf(content) : null),
      processTileModel: (model: Object3D, tile: Tile) => this.take(model, tile),
    });
    tiles.addEventListener("load-error", ({ tile, error, url }) => {
      this.failures.set(tile, error instanceof Missing ? error.failure : { address: nameOf(String(url)), reason: inWords(error) });
    });
    tiles.addEventListener("dispose-model", ({ tile }) => {
      this.surfaces.get(tile)?.drop();
      this.surfaces.delete(tile);
    });
    // The library frees what its last view did not need; other blocks of the same frame may.
    tiles.addEventListener("update-after", () => { for (const frame of this.waiting) for (const tile of [...frame.values()].flat()) tiles.markTileUsed(tile); });
  }

  /** Loads the tiles of every block under a rectangle, one frame after the other. */
  async load(x: number, y: number, width: number, height: number): Promise<{ tiles: ReadonlyMap<string, Tile[]>; failed: Failure[] }> {
    const before = this.turn;
    const loading = before.then(() => this.loadBlocks(x, y, width, height));
    this.turn = loading.catch(() => undefined);
    return loading;
  }

  layOut(_x: number, _y: number, _width: number, _height: number, tiles: ReadonlyMap<string, Tile[]>): void {
    this.waiting.delete(tiles);
    this.laidOut = tiles;
  }

  enter(bx: number, by: number): void {
    this.here = this.laidOut.get(keyOf(bx, by))!;
  }

  inPixels(): Part[] {
    return [{ objects: () => this.shown().flatMap(({ objects }) => objects), casters: () => [] }];
  }

  inShadow(): Part[] {
    const casters = this.source.shadows ? this.shown().flatMap((surface) => surface.casters) : [];
    return [{
      objects: () => [],
      casters: (material) => casters.map((caster) => Object.assign(caster, { material })),
    }];
  }

  everywhere(): Object3D[] {
    return [this.backdrop];
  }

  /** Nothing: the library's cache has its own bounds. */
  trim(): void {}

  private shown(): Surface[] {
    return this.here.map((tile) => this.surfaces.get(tile)!);
  }

  private async loadBlocks(x: number, y: number, width: number, height: number): Promise<{ tiles: Map<string, Tile[]>; failed: Failure[] }> {
    // What failed is asked for again by the next frame that needs it.
    for (const tile of this.failures.keys()) if (tile) this.tiles.lruCache.remove(tile);
    this.failures.clear();
    this.tiles.resetFailedTiles();
    const shown = new Map<string, Tile[]>();
    this.waiting.add(shown);
    const failed = new Map<string, Failure>();
    const until = performance.now() + PATIENCE_MS;
    for (let by = Math.floor(y / BLOCK); by * BLOCK < y + height; by++) {
      for (let bx = Math.floor(x / BLOCK); bx * BLOCK < x + width; bx++) {
        this.aim(bx, by);
        const block = await this.settle(until);
        for (const failure of block.failed) failed.set(failure.address, failure);
        shown.set(keyOf(bx, by), block.shown);
      }
    }
    if (failed.size) this.waiting.delete(shown);
    return { tiles: shown, failed: [...failed.values()].sort((a, b) => (a.address < b.address ? -1 : 1)) };
  }

  /** Looks at a block. */
  private aim(bx: number, by: number): void {
    const { eye, left, right, bottom, top, deep } = sightOf(bx, by, this.source.shadows ? HIGHEST : 0);
    Object.assign(this.eye, { left, right, bottom, top, near: -deep, far: deep });
    this.eye.matrixWorld.copy(eye);
    this.eye.matrixWorldInverse.copy(eye).invert();
    this.eye.updateProjectionMatrix();
    this.tiles.setResolution(this.eye, (right - left) / METRES_PER_PIXEL, (top - bottom) / METRES_PER_PIXEL);
  }

  /** Waits until all is loaded that the view needs; what is shown then, in the order of the tile set, and what is missing. */
  private async settle(until: number): Promise<{ shown: Tile[]; failed: Failure[] }> {
    const { tiles } = this;
    let full = Infinity; // since when there has been no room for all
    for (let quiet = 0; quiet < 2;) {
      tiles.update();
      const { queued, downloading, parsing, refused } = tiles.stats;
      if (tiles.rootLoadingState === FAILED) return { shown: [], failed: [this.failures.get(null)!] };
      full = refused ? Math.min(full, performance.now()) : Infinity;
      if (performance.now() - full > ROOM_MS) return { shown: [], failed: [{ address: this.source.root, reason: `its tiles of one frame need more than ${MOST_BYTES / 2 ** 20} MB; raise scene.detail` }] };
      quiet = refused || queued || downloading || parsing || tiles.rootLoadingState !== LOADED ? 0 : quiet + 1;
      if (quiet) continue;
      if (performance.now() > until) return { shown: [], failed: this.unfinished() };
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.outline();
    const found: { shown: Tile[]; failed: Failure[] } = { shown: [], failed: [] };
    this.each((tile) => {
      const used = tile.traversal.used && tile.traversal.lastFrameVisited === tiles.frameCount;
      if (used && tile.internal.loadingState === FAILED) found.failed.push(this.failures.get(tile) ?? { address: nameOf(tile.content!.uri), reason: "it could not be loaded" });
      if (tiles.visibleTiles.has(tile) && this.surfaces.has(tile)) found.shown.push(tile);
    });
    return found;
  }

  /** Looks at every tile that is known by now, in the order of the tile set. */
  private each(look: (tile: Known) => void): void {
    this.tiles.traverse((tile) => {
      if ((tile as Known).traversal) look(tile as Known);
      return false;
    }, null, false);
  }

  private unfinished(): Failure[] {
    const late: Failure[] = [];
    const reason = `it did not come within ${PATIENCE_MS / 1000} s`;
    this.each((tile) => {
      if (tile.content && tile.internal.loadingState > 0 && tile.internal.loadingState < LOADED) late.push({ address: nameOf(here(`${tile.internal.basePath}/${tile.content.uri}`)), reason });
    });
    return late.length ? late : [{ address: this.source.root, reason }];
  }

  /** Reads a tile's content; whatever of its model is missing fails all of it. */
  private async parse(content: ArrayBuffer, tile: Tile, extension: string, url: string, signal: AbortSignal): Promise<boolean> {
    const origin = originOf(url);
    const missing: string[] = [];
    // Taken over by the library before its first wait.
    this.tiles.manager = reading((address) => missing.push(address));
    try {
      await this.tiles.parseTile(content, tile, extension, url, signal);
    } catch (error) {
      throw new Missing({ address: origin, reason: inWords(error) });
    }
    if (missing.length) throw new Missing({ address: origin, reason: `its part ${nameOf(missing[0])} could not be loaded` });
    return true;
  }

  private async take(model: Object3D, tile: Tile): Promise<void> {
    // Not with our own port in it: the ids of what is drawn follow from it.
    this.surfaces.set(tile, new Surface(model, nameOf(here(`${tile.internal.basePath}/${tile.content!.uri}`))));
  }

  /** Takes the bounds from the root, once it is known. */
  private outline(): void {
    const sphere = new Sphere();
    if (this.bounds[2] > this.bounds[0] || !this.tiles.getBoundingSphere(sphere)) return;
    const [x, y] = toPixel(...toScene(sphere.center.lengthSq() > 1 ? sphere.center : new Vector3(1, 0, 0)));
    const out = Math.min(2 ** 30, Math.ceil((sphere.radius * 2) / METRES_PER_PIXEL));
    this.bounds = [Math.round(x) - out, Math.round(y) - out, Math.round(x) + out, Math.round(y) + out];
  }
}
