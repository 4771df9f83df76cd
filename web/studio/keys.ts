/** The keyboard: every act of the map without a pointer. */

import { batch } from "@preact/signals";
import type L from "leaflet";
import { generate, render } from "./actions";
import { bootstrap } from "./bootstrap";
import { between, cellsIn, keyOf, type Cell, type Rect } from "./geometry";
import { zoomBy } from "./map";
import { moving } from "./picked";
import { addPlan, fill } from "./planning";
import { clearSelection, isTyping } from "./selection";
import { layer, layers, pass, preview, select, selectedRect, tool } from "./state";

const STEP_PX = 160;
const ARROWS: Record<string, Cell> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export const KEYS: [string, string][] = [
  ["Click, drag", "select; Shift adds"],
  ["Space, middle button", "move the map"],
  ["Arrows", "move; with Shift grow the selection"],
  ["+  −", "zoom"],
  ["Enter", "select the middle; add the plan shown"],
  ["R  G  F", "render, generate, fill"],
  ["L", "other layer"],
  ["P", "next pass of the renders, where passes are offered"],
  ["S  M", "select or move tool"],
  ["Alt with arrows", "move a waiting job; Home, End to the ends"],
  ["Esc", "let go"],
];

export function followKeys(map: L.Map): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "Escape" && moving.value.length > 0) return void (moving.value = []);
    if (event.key === "Escape") return void (document.querySelector("[data-popover]") ?? clearSelection());
    // Inside the panels arrows, Enter and letters belong to what has the focus.
    const inMap = document.activeElement === document.body || map.getContainer().contains(document.activeElement);
    const arrow = ARROWS[event.key];
    if (arrow && inMap) {
      event.preventDefault();
      if (event.shiftKey) growSelection(map, arrow);
      else map.panBy([arrow[0] * STEP_PX, arrow[1] * STEP_PX]);
      return;
    }
    if (event.key === "Enter" && inMap && document.activeElement?.tagName !== "BUTTON") {
      // A plan that nobody asked to see must not begin by a stray key.
      if (preview.value && !preview.value.starter) addPlan();
      else selectMiddle(map);
      return;
    }
    const act = ACTS[event.key.toLowerCase()];
    if (act && !document.activeElement?.closest("[data-popover]")) {
      event.preventDefault();
      act(map);
    }
  });
}

const ACTS: Record<string, (map: L.Map) => void> = {
  g: () => generate(),
  r: () => render(),
  f: () => fill(),
  l: () => nextLayer(),
  p: () => nextPass(),
  s: () => (tool.value = "select"),
  m: () => (tool.value = "move"),
  "+": (map) => zoomBy(map, 1),
  "=": (map) => zoomBy(map, 1),
  "-": (map) => zoomBy(map, -1),
  "−": (map) => zoomBy(map, -1),
};

/** The renders after the map, then the layers beside it, then the map again. */
function nextLayer(): void {
  const all = ["render", ...layers.value];
  layer.value = all[(all.indexOf(layer.value) + all.length - 1) % all.length]!;
}

/** The colours of the renders, then each of their passes, then the colours again. */
function nextPass(): void {
  if (bootstrap.passes.length === 0) return;
  const shown = layer.value === "render" && pass.value ? bootstrap.passes.indexOf(pass.value) : -1;
  batch(() => {
    layer.value = "render";
    pass.value = bootstrap.passes[shown + 1] ?? null;
  });
}

function selectMiddle(map: L.Map): void {
  const middle = map.getCenter();
  select([keyOf(Math.floor(middle.lng), Math.floor(middle.lat))]);
}

function growSelection(map: L.Map, [dx, dy]: Cell): void {
  const rect = selectedRect.value;
  if (!rect) return selectMiddle(map);
  const grown: Rect = between([rect[0] + Math.min(dx, 0), rect[1] + Math.min(dy, 0)], [rect[2] + Math.max(dx, 0), rect[3] + Math.max(dy, 0)]);
  select(cellsIn(grown).map(([x, y]) => keyOf(x, y)));
}
