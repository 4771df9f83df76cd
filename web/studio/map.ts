/** The map: Leaflet over quadrant coordinates, its place kept in the page's address. */

import { batch } from "@preact/signals";
import L from "leaflet";
import "leaflet/dist/leaflet.css";
import type { Layer, Pass } from "./api";
import { bootstrap } from "./bootstrap";
import { centre, layer, layers, pass, zoom } from "./state";
import { SIZE, type Cell, type Rect } from "./geometry";
import { themeInAddress } from "./theme";

export const MIN_ZOOM = -8;
export const MAX_ZOOM = 3;

// One unit is one quadrant, x right and y down; at zoom 0 a quadrant is as large as its picture.
const QuadrantGrid = L.extend({}, L.CRS.Simple, { transformation: new L.Transformation(SIZE, 0, SIZE, 0) }) as L.CRS;

export const at = (x: number, y: number): L.LatLng => L.latLng(y, x);

export function makeMap(element: HTMLElement): L.Map {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(element, {
    crs: QuadrantGrid,
    minZoom: MIN_ZOOM,
    maxZoom: MAX_ZOOM,
    zoomSnap: 1,
    zoomControl: false,
    attributionControl: false,
    boxZoom: false,
    doubleClickZoom: false,
    keyboard: false,
    dragging: false,
    inertia: !still,
    zoomAnimation: !still,
    fadeAnimation: false,
    markerZoomAnimation: false,
    wheelPxPerZoomLevel: 120,
    wheelDebounceTime: 30,
    maxBoundsViscosity: 1,
  });
  map.on("zoomend", () => zoomOn(map));
  return map;
}

/** Quadrants in view, those only partly seen included. */
export function inView(map: L.Map): Rect {
  const bounds = map.getBounds();
  return [
    Math.floor(bounds.getWest()),
    Math.floor(Math.min(bounds.getNorth(), bounds.getSouth())),
    Math.ceil(bounds.getEast()) - 1,
    Math.ceil(Math.max(bounds.getNorth(), bounds.getSouth())) - 1,
  ];
}

export function cellAt(map: L.Map, event: { clientX: number; clientY: number }): Cell {
  const box = map.getContainer().getBoundingClientRect();
  const place = map.containerPointToLatLng([event.clientX - box.left, event.clientY - box.top]);
  return [Math.floor(place.lng), Math.floor(place.lat)];
}

/** The level that zooming by whole levels is on its way to. */
let aim: number | null = null;

/** Zoom by whole levels; what Leaflet drops because it still moves is done when it has arrived. */
export function zoomBy(map: L.Map, levels: number): void {
  const next = Math.max(MIN_ZOOM, Math.min(MAX_ZOOM, (aim ?? map.getZoom()) + levels));
  if (aim === null && next === map.getZoom()) return;
  aim = next;
  map.setZoom(next);
}

function zoomOn(map: L.Map): void {
  if (aim === map.getZoom()) aim = null;
  if (aim !== null) map.setZoom(aim);
}

/** Show the whole of a rectangle, as large as whole zoom levels allow; `aside` px at the left are covered. */
export function fit(map: L.Map, rect: Rect, aside = 0): void {
  const margin = 24;
  const size = map.getSize();
  const across = Math.max(1, size.x - aside - 2 * margin) / ((rect[2] - rect[0] + 1) * SIZE);
  const down = Math.max(1, size.y - 2 * margin) / ((rect[3] - rect[1] + 1) * SIZE);
  const level = Math.floor(Math.log2(Math.min(across, down)));
  const zoom = Math.max(MIN_ZOOM, Math.min(0, level));
  const shift = aside / 2 / (SIZE * 2 ** zoom);
  const middle = at((rect[0] + rect[2] + 1) / 2 - shift, (rect[1] + rect[3] + 1) / 2);
  aim = null;
  map.setView(middle, zoom, { animate: false });
}

interface Address {
  zoom: number;
  x: number;
  y: number;
  layer: Layer;
  pass: Pass | null;
}

/** The place in the page's address: #zoom/x/y, then the layer, a pass of it or a theme where they differ from what is usual. */
export function readAddress(): Address | null {
  const [z, x, y, ...rest] = location.hash.slice(1).split("/");
  const numbers = [z, x, y].map((text) => (text ? Number(text) : NaN));
  if (numbers.some((n) => !Number.isFinite(n))) return null;
  return {
    zoom: Math.max(MIN_ZOOM, Math.min(MAX_ZOOM, Math.round(numbers[0]!))),
    x: numbers[1]!,
    y: numbers[2]!,
    layer: rest.find((name) => name === "render" || layers.value.includes(name)) ?? "generation",
    pass: bootstrap.passes.find((name) => rest.includes(name)) ?? null,
  };
}

export function writeAddress(map: L.Map): void {
  const middle = map.getCenter();
  const digits = Math.max(0, map.getZoom() + 3);
  const parts = [String(map.getZoom()), middle.lng.toFixed(digits), middle.lat.toFixed(digits)];
  if (layer.value !== "generation") parts.push(layer.value);
  if (layer.value === "render" && pass.value) parts.push(pass.value);
  const theme = themeInAddress();
  if (theme) parts.push(theme);
  const hash = `#${parts.join("/")}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
}

/** Go to the place in the address; says whether there was one. */
export function goToAddress(map: L.Map): boolean {
  const address = readAddress();
  if (!address) return false;
  batch(() => {
    layer.value = address.layer;
    pass.value = address.pass;
  });
  aim = null;
  map.setView(at(address.x, address.y), address.zoom, { animate: false });
  return true;
}

export function followView(map: L.Map, moved: () => void): void {
  const tell = (): void => {
    const middle = map.getCenter();
    zoom.value = map.getZoom();
    centre.value = [middle.lng, middle.lat];
  };
  map.on("move zoomend", tell);
  map.on("moveend", () => {
    writeAddress(map);
    moved();
  });
  addEventListener("hashchange", () => goToAddress(map));
  tell();
}
