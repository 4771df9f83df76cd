/** Choosing quadrants with the pointer, and moving the map with it. */

import L from "leaflet";
import { between, cellsIn, height, keyOf, width, type Cell } from "./geometry";
import { cellAt } from "./map";
import { fateOf } from "./blueprint";
import { explained, hover, preview, say, select, selection, tab, tool } from "./state";

/** As many as one plan may hold steps for; a larger rectangle is not followed. */
const MOST = 20_000;
const CLICK_PX = 4;

/** Select by click and drag; shift adds. Middle button, space and the move tool move the map. */
export function followPointer(map: L.Map): void {
  const box = map.getContainer();
  let space = false;
  const touches = new Set<number>();

  const spaceHeld = (event: KeyboardEvent): void => {
    if (event.code !== "Space" || isTyping(event.target)) return;
    space = event.type === "keydown";
    box.classList.toggle("moving", space);
    if (document.activeElement === document.body || document.activeElement === box) event.preventDefault();
  };
  addEventListener("keydown", spaceHeld);
  addEventListener("keyup", spaceHeld);

  box.addEventListener("pointerdown", (event) => {
    if (!(event.target instanceof Element) || event.target.closest("[data-over-map]")) return;
    if (event.pointerType === "touch") {
      touches.add(event.pointerId);
      // The second finger makes it a pinch, which is Leaflet's.
      if (touches.size > 1) return;
    }
    if (event.button === 2) return;
    if (event.button === 0) box.focus({ preventScroll: true });
    const moves = tool.value === "move" || space || event.button === 1;
    if (event.button === 1) event.preventDefault();
    if (moves) drag(event);
    else if (event.button === 0) choose(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, (event) => touches.delete((event as PointerEvent).pointerId));
  }
  box.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") hover.value = cellAt(map, event);
  });
  box.addEventListener("pointerleave", () => (hover.value = null));

  /** Follow one pointer until it is lifted; a second finger ends it. */
  function hold(down: PointerEvent, move: (event: PointerEvent) => void, end: (clicked: boolean) => void): void {
    let clicked = true;
    const moved = (event: PointerEvent): void => {
      if (event.pointerId !== down.pointerId) return;
      if (touches.size > 1) return finish(event, false);
      if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > CLICK_PX) clicked = false;
      if (!clicked) move(event);
    };
    const finish = (event: PointerEvent, done = true): void => {
      if (event.pointerId !== down.pointerId) return;
      removeEventListener("pointermove", moved);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", stop);
      if (done) end(clicked);
    };
    const up = (event: PointerEvent): void => finish(event);
    const stop = (event: PointerEvent): void => finish(event, false);
    addEventListener("pointermove", moved);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", stop);
  }

  function drag(down: PointerEvent): void {
    let [x, y] = [down.clientX, down.clientY];
    box.classList.add("dragging");
    map.stop();
    hold(
      down,
      (event) => {
        map.panBy([x - event.clientX, y - event.clientY], { animate: false });
        [x, y] = [event.clientX, event.clientY];
      },
      (clicked) => {
        box.classList.remove("dragging");
        if (clicked && down.button === 0 && !space) take(down, cellAt(map, down), cellAt(map, down), new Set());
      },
    );
    addEventListener("pointerup", () => box.classList.remove("dragging"), { once: true });
  }

  function choose(down: PointerEvent): void {
    const from = cellAt(map, down);
    const before = down.shiftKey ? selection.value : new Set<string>();
    hold(
      down,
      (event) => take(down, from, cellAt(map, event), before),
      (clicked) => {
        if (clicked) take(down, from, from, before);
      },
    );
  }
}

function take(down: PointerEvent, from: Cell, to: Cell, before: ReadonlySet<string>): void {
  const rect = between(from, to);
  if (width(rect) * height(rect) > MOST) return;
  const single = from[0] === to[0] && from[1] === to[1];
  // A tap on what the plan shown leaves out or draws anew asks why.
  const fate = single && preview.value && !preview.value.starter ? fateOf(...from) : undefined;
  if (fate?.reason || fate?.isRedone) {
    explained.value = from;
    return;
  }
  const key = keyOf(from[0], from[1]);
  // A click on the one selected quadrant lets go of it; with shift it is taken out of the others.
  if (single && down.shiftKey && before.has(key)) {
    select([...before].filter((one) => one !== key));
    return;
  }
  const chosen = new Set(before);
  for (const [x, y] of cellsIn(rect)) chosen.add(keyOf(x, y));
  select(chosen);
}

export function clearSelection(): void {
  select([]);
  preview.value = null;
  say.value = null;
  if (tab.value === "quadrant") tab.value = "queue";
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
