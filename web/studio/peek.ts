/** An old version held against the map in its place, for as long as a key or button is pressed. */

import L from "leaflet";
import { effect } from "@preact/signals";
import { tileAddress } from "./api";
import { at, inView } from "./map";
import { holds } from "./geometry";
import { peek, type Peek } from "./state";

/** Lay the version that is held up over the pictures, under what is drawn on them. */
export function followPeek(map: L.Map): void {
  map.createPane("peek").style.zIndex = "220";
  let shown: L.ImageOverlay | null = null;
  effect(() => {
    shown?.remove();
    shown = null;
    const held = peek.value;
    if (!held) return;
    const { layer, x, y, version } = held;
    if (!holds(inView(map), x, y)) map.panTo(at(x + 0.5, y + 0.5), { animate: false });
    shown = L.imageOverlay(tileAddress(layer, 0, x, y, `v=${version}`), L.latLngBounds(at(x, y), at(x + 1, y + 1)), { pane: "peek", alt: `${x},${y}, version ${version}` });
    shown.addTo(map);
    shown.getElement()!.dataset["peek"] = String(version);
  });
}

/** What makes a button show a version while it is pressed, by pointer or by key. */
export function holding(version: Peek): Omit<preact.HTMLAttributes<HTMLButtonElement>, "role"> {
  const end = (): void => {
    peek.value = null;
  };
  return {
    onPointerDown: (event) => {
      // The finger that leaves the button has not let go yet.
      event.currentTarget.setPointerCapture(event.pointerId);
      peek.value = version;
    },
    onPointerUp: end,
    onPointerCancel: end,
    onLostPointerCapture: end,
    onContextMenu: (event) => event.preventDefault(),
    onKeyDown: (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      peek.value = version;
    },
    onKeyUp: end,
    onBlur: end,
  };
}
