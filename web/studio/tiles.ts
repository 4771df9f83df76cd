/** The picture tiles: only those that exist are asked for, and a new version replaces the old one in place. */

import L from "leaflet";
import { tileAddress, type Layer, type TileRef } from "./api";
import { SIZE } from "./geometry";
import { addGround, type Bare } from "./ground";
import { order } from "./loader";
import { MAX_ZOOM, MIN_ZOOM } from "./map";
import { centre, layer, pass } from "./state";
import { world } from "./world";

// On a dense screen a tile one level finer is shown at half its size, so that a pixel stays a pixel.
const DENSE = window.devicePixelRatio > 1.25 ? 1 : 0;
const DEEPEST = 8;
const FAILED = "failed";
const AGAIN_MS = 1_000;
const AGAIN_AT_MOST_MS = 30_000;

let orders = 0;

interface Shown {
  box: HTMLElement;
  z: number;
  x: number;
  y: number;
  /** The address of the picture asked for: "" for none, FAILED if it could not be had. */
  wanted: string;
  /** Which order the picture that is shown came with; orders are numbered as they are made. */
  painted: number;
  /** Tells the map that this one can be looked at, so that it lets go of what it showed there before. */
  ready: () => void;
  /** How often in a row the picture could not be had. */
  failures: number;
  callOff: () => void;
}

class Tiles extends L.GridLayer {
  private readonly shown = new Map<string, Shown>();

  constructor(
    private kind: Layer,
    pane: string,
    private readonly changed: () => void,
  ) {
    super({
      pane,
      tileSize: SIZE >> DENSE,
      minZoom: MIN_ZOOM,
      maxZoom: MAX_ZOOM,
      minNativeZoom: Math.max(MIN_ZOOM, -DENSE - DEEPEST),
      maxNativeZoom: -DENSE,
      keepBuffer: 1,
      updateWhenIdle: false,
      updateWhenZooming: false,
      className: `tiles tiles-${pane}`,
    });
    this.on("tileunload", (event) => {
      const { coords } = event as L.TileEvent;
      const key = `${coords.z}/${coords.x}/${coords.y}`;
      this.shown.get(key)?.callOff();
      this.shown.delete(key);
      this.changed();
    });
  }

  /** The tiles in view whose pictures are still to come. */
  get bare(): Bare[] {
    return [...this.shown.values()].flatMap(({ painted, wanted, z, x, y }): Bare[] => {
      if (painted > 0 || wanted === "" || z < 0) return [];
      const side = 2 ** z;
      return [{ kind: this.kind, rect: [x * side, y * side, (x + 1) * side - 1, (y + 1) * side - 1] }];
    });
  }

  // With `done` the map keeps the pictures of the zoom before under this tile until it has one itself.
  protected override createTile(coords: L.Coords, done: L.DoneCallback): HTMLElement {
    const box = document.createElement("div");
    const tile: Shown = { box, z: -coords.z - DENSE, x: coords.x, y: coords.y, wanted: "", painted: 0, failures: 0, ready: () => {}, callOff: () => {} };
    tile.ready = () => {
      tile.ready = () => {};
      // Never at once: the map does not know the tile before it has been given it.
      requestAnimationFrame(() => done(undefined, box));
    };
    this.shown.set(`${coords.z}/${coords.x}/${coords.y}`, tile);
    this.bring(tile);
    this.changed();
    return box;
  }

  /** Bring the tiles up to date that show any of these quadrants; all of them without a list. */
  refresh(changed: TileRef[] | null): void {
    if (changed && !changed.some((tile) => tile.layer === this.kind)) return;
    for (const tile of this.shown.values()) this.bring(tile);
  }

  /** Show another layer in place of this one. */
  turn(kind: Layer): void {
    if (kind === this.kind) return;
    this.kind = kind;
    this.refresh(null);
  }

  private bring(tile: Shown): void {
    const wanted = this.wanted(tile);
    if (wanted === tile.wanted) {
      // New, and nothing to show.
      if (wanted === "") tile.ready();
      return;
    }
    tile.callOff();
    tile.wanted = wanted;
    const [number, shows] = [++orders, this.shows];
    if (wanted === "") {
      tile.painted = number;
      tile.box.replaceChildren();
      tile.ready();
      return;
    }
    tile.callOff = order({
      address: wanted,
      rank: () => this.rank(tile),
      // The old picture stays until the new one can be painted: no quadrant ever blinks. One that has been
      // overtaken meanwhile is still newer than what is shown, and where much changes it is all there ever is.
      arrived: (picture) => {
        if (number <= tile.painted) return;
        tile.painted = number;
        tile.failures = 0;
        picture.dataset["tile"] = `${shows}/${tile.z}/${tile.x}/${tile.y}`;
        tile.box.replaceChildren(picture);
        tile.ready();
        this.changed();
      },
      failed: () => {
        if (tile.wanted === wanted) this.bringLater(tile);
      },
    });
  }

  /** The server may be on its way back, and no event may ever come that names this tile. */
  private bringLater(tile: Shown): void {
    tile.wanted = FAILED;
    const wait = Math.min(AGAIN_MS * 2 ** tile.failures++, AGAIN_AT_MOST_MS);
    const timer = setTimeout(() => tile.wanted === FAILED && this.bring(tile), wait);
    tile.callOff = () => clearTimeout(timer);
  }

  /** A render that generations cover wholly is not asked for until the other layer is shown. */
  private wanted(tile: Shown): string {
    const { z, x, y } = tile;
    const hidden = this.kind === "render" && layer.value !== "render" && world.isGenerated(z, x, y);
    if (hidden) return tile.wanted === FAILED ? "" : tile.wanted;
    const edition = world.edition(this.kind, z, x, y);
    if (edition === "") return "";
    // A pass follows from what stands; the edition of the render only tells when that has changed.
    return tileAddress(this.shows, z, x, y, this.shows === this.kind ? edition : `${edition}&as=picture`);
  }

  /** The layer that is shown here: in the render layer it may be a pass. */
  private get shows(): string {
    return this.kind === "render" && layer.value === "render" ? (pass.value ?? this.kind) : this.kind;
  }

  /** From the middle of the view outwards, what is in front first. */
  private rank(tile: Shown): number {
    const side = 2 ** tile.z;
    const [x, y] = centre.value;
    const away = Math.hypot((tile.x + 0.5) * side - x, (tile.y + 0.5) * side - y) / side;
    return away + (this.kind === layer.value ? 0 : 2);
  }
}

export interface TileStack {
  recolour: () => void;
  refresh: (changed: TileRef[] | null) => void;
  show: (shown: Layer) => void;
}

/** Renders below, what models drew above: one layer of it, in which bare renders are greyed. */
export function addTiles(map: L.Map): TileStack {
  for (const [name, level] of [
    ["renders", 200],
    ["generations", 210],
  ] as const) {
    map.createPane(name).style.zIndex = String(level);
  }
  const ground = addGround(map, () => [...render.bare, ...generation.bare]);
  const render: Tiles = new Tiles("render", "renders", ground.redraw);
  const generation: Tiles = new Tiles(world.drawn, "generations", ground.redraw);
  render.addTo(map);
  generation.addTo(map);
  const crisp = (): void => {
    map.getContainer().classList.toggle("crisp", map.getZoom() > 0);
  };
  map.on("zoomend", crisp);
  crisp();
  return {
    recolour: ground.recolour,
    refresh: (changed) => {
      render.refresh(changed);
      generation.refresh(changed);
      ground.redraw();
    },
    show: (shown) => {
      map.getContainer().dataset["layer"] = shown;
      generation.turn(world.drawn);
      render.refresh(null);
      ground.redraw();
    },
  };
}
