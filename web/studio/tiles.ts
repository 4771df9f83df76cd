/** The picture tiles: only those that exist are asked for, and a new version replaces the old one in place. */

import L from "leaflet";
import { tileAddress, type Layer, type TileRef } from "./api";
import { SIZE } from "./geometry";
import { order } from "./loader";
import { MAX_ZOOM, MIN_ZOOM } from "./map";
import { centre, layer } from "./state";
import { world } from "./world";

// On a dense screen a tile one level finer is shown at half its size, so that a pixel stays a pixel.
const DENSE = window.devicePixelRatio > 1.25 ? 1 : 0;
const DEEPEST = 8;

interface Shown {
  box: HTMLElement;
  z: number;
  x: number;
  y: number;
  /** The version shown or asked for; -1 if it could not be had. */
  version: number;
  callOff: () => void;
}

class Tiles extends L.GridLayer {
  private readonly shown = new Map<string, Shown>();

  constructor(
    private readonly kind: Layer,
    pane: string,
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
      className: `tiles tiles-${kind}`,
    });
    this.on("tileunload", (event) => {
      const { coords } = event as L.TileEvent;
      const key = `${coords.z}/${coords.x}/${coords.y}`;
      this.shown.get(key)?.callOff();
      this.shown.delete(key);
    });
  }

  protected override createTile(coords: L.Coords): HTMLElement {
    const box = document.createElement("div");
    const tile: Shown = { box, z: -coords.z - DENSE, x: coords.x, y: coords.y, version: 0, callOff: () => {} };
    this.shown.set(`${coords.z}/${coords.x}/${coords.y}`, tile);
    this.bring(tile);
    return box;
  }

  /** Bring the tiles up to date that show any of these quadrants; all of them without a list. */
  refresh(changed: TileRef[] | null): void {
    if (changed && !changed.some((tile) => tile.layer === this.kind)) return;
    for (const tile of this.shown.values()) this.bring(tile);
  }

  private bring(tile: Shown): void {
    const version = this.wanted(tile);
    if (version === tile.version) return;
    tile.callOff();
    tile.version = version;
    if (version === 0) {
      tile.box.replaceChildren();
      return;
    }
    tile.callOff = order({
      address: tileAddress(this.kind, tile.z, tile.x, tile.y, version),
      rank: () => this.rank(tile),
      // The old picture stays until the new one can be painted: no quadrant ever blinks.
      arrived: (picture) => {
        if (tile.version !== version) return;
        picture.dataset["tile"] = `${this.kind}/${tile.z}/${tile.x}/${tile.y}`;
        picture.dataset["version"] = String(version);
        tile.box.replaceChildren(picture);
      },
      failed: () => {
        if (tile.version === version) tile.version = -1;
      },
    });
  }

  /** A render that generations cover wholly is not asked for until the other layer is shown. */
  private wanted(tile: Shown): number {
    const { z, x, y } = tile;
    if (this.kind === "render" && layer.value === "generation" && world.isGenerated(z, x, y)) return Math.max(0, tile.version);
    return world.version(this.kind, z, x, y);
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
  refresh: (changed: TileRef[] | null) => void;
  show: (shown: Layer) => void;
}

/** Renders below, generations above; in the generation layer bare renders are greyed. */
export function addTiles(map: L.Map): TileStack {
  for (const [name, level] of [
    ["renders", 200],
    ["generations", 210],
  ] as const) {
    map.createPane(name).style.zIndex = String(level);
  }
  const render = new Tiles("render", "renders");
  const generation = new Tiles("generation", "generations");
  render.addTo(map);
  generation.addTo(map);
  const crisp = (): void => {
    map.getContainer().classList.toggle("crisp", map.getZoom() > 0);
  };
  map.on("zoomend", crisp);
  crisp();
  return {
    refresh: (changed) => {
      render.refresh(changed);
      generation.refresh(changed);
    },
    show: (shown) => {
      map.getContainer().dataset["layer"] = shown;
      render.refresh(null);
    },
  };
}
