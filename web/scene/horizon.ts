// Which districts of hilly ground a block needs: those that show in it, or whose shadows fall on what does.
//
// It is told by heights alone, which are loaded first: by those that the configuration promises for what may be in
// sight, then by those of the districts themselves.

import { BEHIND } from "./camera";
import { CHUNK, overlaps, type Box } from "./chunk";
import { DISTRICT, groundOf, grown } from "./district";
import { SHEAR } from "./light";
import { Relief, stepOf } from "./relief";
import { TERRAIN } from "./settings";
import { HIGHEST } from "./shadow";
import type { Elevation } from "./source/elevation";
import type { Failure } from "./source/missing";
import { keyOf } from "./source/store";

type Place = [i: number, j: number];
type Reliefs = ReadonlyMap<string, Relief>;

const KEPT = 400; // reliefs, 80 KB each
const { lowest, highest } = TERRAIN ?? { lowest: 0, highest: 0 };

export class Horizon {
  private readonly spans = new Map<string, readonly [low: number, high: number]>(); // of every district that was ever asked for
  private readonly kept = new Map<string, Relief>(); // the one used last is the last

  /** Districts reach so many metres out of their ground; `has` says where there are any. */
  constructor(private readonly elevation: Elevation, private readonly reach: number, private readonly has: (i: number, j: number) => boolean) {}

  /** Loads the heights of all that some blocks need, each given by the level ground under it. */
  async load(blocks: readonly Box[]): Promise<{ reliefs: Reliefs; failed: Failure[] }> {
    const unknown = blocks.flatMap((block) => this.candidates(block)).filter((place) => !this.spans.has(keyOf(...place)));
    const surveyed = await this.survey(unknown);
    if (surveyed.failed.length) return surveyed;
    return this.survey(blocks.flatMap((block) => this.districts(block)));
  }

  /** The districts that a block needs, in a fixed order. */
  districts(block: Box): Place[] {
    const around = this.candidates(block);
    const seen = around.filter((place) => overlaps(this.shows(place, 0), block));
    const low = Math.min(...seen.map(([i, j]) => this.spans.get(keyOf(i, j))![0]));
    return around.filter((place) => {
      const [, high] = this.spans.get(keyOf(...place))!;
      return overlaps(this.shows(place, Math.max(0, high + HIGHEST - low)), block);
    });
  }

  /** The districts that a block may need, going by the heights that there may be. */
  private candidates([x0, y0, x1, y1]: Box): Place[] {
    const top = highest + HIGHEST, fall = top - lowest, { reach } = this;
    const first = [x0 - reach - fall * SHEAR[0], y0 - reach - top * BEHIND - fall * SHEAR[1]], last = [x1 + reach, y1 + reach - lowest * BEHIND];
    const found: Place[] = [];
    for (let j = Math.floor(first[1] / DISTRICT); j <= Math.floor(last[1] / DISTRICT); j++) {
      for (let i = Math.floor(first[0] / DISTRICT); i <= Math.floor(last[0] / DISTRICT); i++) if (this.has(i, j)) found.push([i, j]);
    }
    return found;
  }

  /** The level ground behind all of a district that is seen, and where its shadows are, if they fall so many metres deep. */
  private shows([i, j]: Place, fall: number): Box {
    const [x0, y0, x1, y1] = grown(groundOf(i, j), this.reach);
    const [low, high] = this.spans.get(keyOf(i, j))!;
    // A shadow moves away from the eye and down, so on screen it may go either way.
    const slide = fall * (SHEAR[1] - BEHIND);
    return [x0, y0 + low * BEHIND + Math.min(0, slide), x1 + fall * SHEAR[0], y1 + (high + HIGHEST) * BEHIND + Math.max(0, slide)];
  }

  /** The reliefs of districts. */
  private async survey(places: readonly Place[]): Promise<{ reliefs: Reliefs; failed: Failure[] }> {
    const wanted = new Map(places.map((place) => [keyOf(...place), place]));
    const reliefs = new Map<string, Relief>();
    const tiles = new Map<string, Place>();
    for (const [key, [i, j]] of wanted) {
      const known = this.kept.get(key);
      if (known) reliefs.set(key, known);
      else for (const tile of this.elevation.under(this.boxOf(i, j))) tiles.set(keyOf(...tile), tile);
    }
    const { heightAt, failed } = await this.elevation.load([...tiles.values()]);
    if (failed.length) return { reliefs, failed };
    for (const [key, [i, j]] of wanted) {
      const relief = reliefs.get(key) ?? new Relief(grown(groundOf(i, j), this.reach), stepOf(this.elevation.spacing), heightAt);
      reliefs.set(key, relief);
      this.spans.set(key, [relief.low, relief.high]);
      this.kept.delete(key);
      this.kept.set(key, relief);
    }
    for (const key of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(key);
    }
    return { reliefs, failed };
  }

  private boxOf(i: number, j: number): Box {
    // The lattice reaches up to two of its steps farther, none longer than a chunk (relief.ts).
    return grown(groundOf(i, j), this.reach + 2 * CHUNK);
  }
}

/** The lowest ground and the highest thing that may show in a block, given by the level ground under it. */
export function spanOf([x0, y0, x1, y1]: Box, reliefs: readonly (readonly [Box, Relief])[]): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const [box, relief] of reliefs) {
    // A corner next to what shows may be the end of a triangle that does.
    const out = 2 * relief.step + 8;
    relief.each(Math.max(box[0], x0 - out), box[1], Math.min(box[2], x1 + out), box[3], (_x, y, z) => {
      const behind = y + z * BEHIND;
      if (behind < y0 - HIGHEST * BEHIND - out * (1 + BEHIND) || behind > y1 + out * (1 + BEHIND)) return;
      low = Math.min(low, z);
      high = Math.max(high, z);
    });
  }
  return low > high ? [0, HIGHEST] : [low, high + HIGHEST];
}
