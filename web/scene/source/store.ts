// What was fetched of tiles, kept while it is used; what could not be had is asked for again by the next frame.

import { Missing, type Failure } from "./missing";

export const keyOf = (column: number, row: number): string => `${column},${row}`;

/** Tiles by column and row, of which so much is kept as `sizeOf` counts them. */
export class Store<T> {
  private readonly kept = new Map<string, { tile: Promise<T>; size: number }>(); // the one used last is the last

  constructor(private readonly most: number, private readonly name: string, private readonly fetch: (column: number, row: number) => Promise<T>, private readonly sizeOf: (tile: T) => number) {}

  /** Loads tiles that are not kept yet; what could not be loaded is told in the order of addresses. */
  async load(wanted: readonly [column: number, row: number][]): Promise<{ tiles: Map<string, T>; failed: Failure[] }> {
    const tiles = new Map<string, T>();
    const failed: Failure[] = [];
    await Promise.all(wanted.map(async ([column, row]) => {
      const key = keyOf(column, row);
      const entry = this.kept.get(key) ?? { tile: this.fetch(column, row), size: 0 };
      this.kept.delete(key);
      this.kept.set(key, entry);
      try {
        const tile = await entry.tile;
        entry.size = this.sizeOf(tile);
        tiles.set(key, tile);
      } catch (error) {
        // What failed is asked for again by the next frame that needs it.
        if (this.kept.get(key) === entry) this.kept.delete(key);
        failed.push(error instanceof Missing ? error.failure : { address: `${this.name}/${column}/${row}`, reason: String(error) });
      }
    }));
    let size = [...this.kept.values()].reduce((sum, entry) => sum + entry.size, 0);
    for (const [key, entry] of this.kept) {
      if (size <= this.most || tiles.has(key)) break;
      size -= entry.size;
      this.kept.delete(key);
    }
    failed.sort((a, b) => (a.address < b.address ? -1 : 1));
    return { tiles, failed };
  }
}
