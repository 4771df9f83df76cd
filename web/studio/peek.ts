/** Pictures held against the map in their place, for as long as a key or button is pressed. */

import L from "leaflet";
import { effect } from "@preact/signals";
import { at, inView } from "./map";
import { bounding, contains } from "./geometry";
import { peek, type Peek } from "./state";

/** Lay the pictures that are held up over those of the map, under what is drawn on them. */
export function followPeek(map: L.Map): void {
  map.createPane("peek").style.zIndex = "220";
  let shown: L.ImageOverlay[] = [];
  effect(() => {
    for (const one of shown) one.remove();
    shown = [];
    const held = peek.value;
    const rect = held && bounding(held.pictures.map(({ x, y }) => [x, y] as const));
    if (!held || !rect) return;
    if (!contains(inView(map), rect)) map.panTo(at((rect[0] + rect[2] + 1) / 2, (rect[1] + rect[3] + 1) / 2), { animate: false });
    shown = held.pictures.map(({ x, y, address }) => {
      const picture = L.imageOverlay(address, L.latLngBounds(at(x, y), at(x + 1, y + 1)), { pane: "peek", alt: `${x},${y}, ${held.name}` });
      picture.addTo(map);
      picture.getElement()!.dataset["peek"] = held.name;
      return picture;
    });
  });
}

/** What makes a button show pictures while it is pressed, by pointer or by key. */
export function holding(pictures: Peek): Omit<preact.HTMLAttributes<HTMLButtonElement>, "role"> {
  const end = (): void => {
    peek.value = null;
  };
  return {
    onPointerDown: (event) => {
      // The finger that leaves the button has not let go yet.
      event.currentTarget.setPointerCapture(event.pointerId);
      peek.value = pictures;
    },
    onPointerUp: end,
    onPointerCancel: end,
    onLostPointerCapture: end,
    onContextMenu: (event) => event.preventDefault(),
    onKeyDown: (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      peek.value = pictures;
    },
    onKeyUp: end,
    onBlur: end,
  };
}
