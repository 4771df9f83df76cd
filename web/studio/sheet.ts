/** What stands of one layer, quadrant by quadrant and in the tiles of its pyramid. */

import type { TileRef } from "./api";
import { cellOf, keyOf, type Cell } from "./geometry";

type Level = Map<string, number>;

export class Sheet {
  /** The version that stands in each quadrant. */
  readonly tiles = new Map<string, number>();
  /** Finished quadrants of which something that they were made to match has been replaced since. */
  readonly stale = new Set<string>();
  private readonly overviews = new Map<number, Level>();
  private readonly counts = new Map<number, Level>();
  private readonly blends = new Map<number, Level>();

  /** Take over what a quadrant shows now, version 0 for nothing; whether that changed. */
  put(tile: TileRef): boolean {
    const { tiles } = this;
    const key = keyOf(tile.x, tile.y);
    if (tile.version > 0 && tile.stale) this.stale.add(key);
    else this.stale.delete(key);
    if (tile.version === 0) {
      if (!tiles.delete(key)) return false;
      for (const levels of [this.overviews, this.counts, this.blends]) levels.clear();
      return true;
    }
    const before = tiles.get(key) ?? 0;
    if (before === tile.version) return false;
    // An older version was put back: the newest of an overview may be another one now.
    if (before > tile.version) this.overviews.clear();
    if (!tiles.has(key)) {
      for (const [z, level] of this.counts) add(level, z, [tile.x, tile.y], 1);
    }
    tiles.set(key, tile.version);
    for (const [z, level] of this.overviews) raise(level, z, [tile.x, tile.y], tile.version);
    for (const [z, level] of this.blends) add(level, z, [tile.x, tile.y], scattered(tile.version) - scattered(before));
    return true;
  }

  /** The newest version in a tile of the pyramid, or 0 if it is empty. */
  version(z: number, x: number, y: number): number {
    if (z <= 0) return this.tiles.get(keyOf(x, y)) ?? 0;
    return this.level(this.overviews, z, raise).get(keyOf(x, y)) ?? 0;
  }

  /** How many quadrants stand in a tile of the pyramid. */
  count(z: number, x: number, y: number): number {
    if (z <= 0) return this.tiles.has(keyOf(x, y)) ? 1 : 0;
    return this.level(this.counts, z, (level, z, cell) => add(level, z, cell, 1)).get(keyOf(x, y)) ?? 0;
  }

  /** A number made of all versions in a tile of the pyramid, which changes when an older one comes back. */
  blend(z: number, x: number, y: number): number {
    const level = this.level(this.blends, z, (level, z, cell, version) => add(level, z, cell, scattered(version)));
    return (level.get(keyOf(x, y)) ?? 0) >>> 0;
  }

  /** A level of the pyramid, worked out from all quadrants when it is first asked for. */
  private level(levels: Map<number, Level>, z: number, take: (level: Level, z: number, cell: Cell, version: number) => void): Level {
    let level = levels.get(z);
    if (!level) {
      level = new Map();
      for (const [key, version] of this.tiles) take(level, z, cellOf(key), version);
      levels.set(z, level);
    }
    return level;
  }
}

function raise(level: Level, z: number, [x, y]: Cell, version: number): void {
  const key = keyOf(x >> z, y >> z);
  if ((level.get(key) ?? 0) < version) level.set(key, version);
}

/** Adds a number to a tile's, in 32 bits. */
function add(level: Level, z: number, [x, y]: Cell, by: number): void {
  const key = keyOf(x >> z, y >> z);
  level.set(key, ((level.get(key) ?? 0) + by) | 0);
}

/** A version as 32 bits that have nothing to do with its neighbours'; services/gateway/pyramid.py computes the same. */
function scattered(version: number): number {
  if (version === 0) return 0;
  let bits = Math.imul(version, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 15), 0x85ebca77);
  return bits ^ (bits >>> 13);
}
