/** The panel at the right, which is a sheet from below on a phone. */

import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import { compareShown } from "./compare";
import { Inspector } from "./inspector";
import { lateShown } from "./late";
import { PickBar } from "./pickbar";
import { PlanPreview, shownPlan } from "./preview";
import { Queue } from "./queue";
import { failed, held, selection, tab, waiting, working, type Tab } from "./state";

type Go = (job: { quadrants: readonly (readonly [number, number])[] }) => void;

/** Heights of the sheet: a headline, half a screen, all of it. */
const STOPS = [96, 396, Infinity];
const TOP_PX = 60;
const stop = signal(1);

const setHeight = (height: number): void => document.documentElement.style.setProperty("--sheet", `${height}px`);
const heightOf = (index: number): number => Math.min(STOPS[index] ?? Infinity, window.innerHeight - TOP_PX);

export function Panel({ go }: { go: Go }) {
  const root = useRef<HTMLElement>(null);
  const plan = shownPlan();
  useEffect(() => {
    const set = (): void => setHeight(heightOf(stop.value));
    set();
    addEventListener("resize", set);
    return () => removeEventListener("resize", set);
  }, [stop.value]);
  return (
    <aside class="panel" ref={root} aria-label="Panel" data-stop={stop.value}>
      <Grip root={root} />
      {plan ? (
        <PlanPreview plan={plan} go={go} />
      ) : (
        <>
          <Tabs />
          <div class="panel-body" role="tabpanel">
            {tab.value === "queue" ? <Queue go={go} /> : <Inspector />}
          </div>
          {tab.value === "queue" && !lateShown.value && !compareShown.value && <PickBar />}
        </>
      )}
    </aside>
  );
}

function Tabs() {
  const open = working.value + waiting.value + held.value + failed.value;
  const tallies: Record<Tab, number> = { queue: open, quadrant: selection.value.size };
  return (
    <div class="tabs" role="tablist">
      {(["queue", "quadrant"] as const).map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          class="tab"
          aria-selected={tab.value === name}
          data-tab={name}
          onClick={() => (tab.value = name)}
        >
          {name === "queue" ? "Queue" : "Quadrant"} <span class="tally">{tallies[name] ? tallies[name].toLocaleString("en") : ""}</span>
        </button>
      ))}
    </div>
  );
}

function Grip({ root }: { root: { current: HTMLElement | null } }) {
  const drag = (down: PointerEvent): void => {
    const panel = root.current;
    if (!panel) return;
    const from = heightOf(stop.value);
    let height = from;
    panel.classList.add("held");
    const move = (event: PointerEvent): void => {
      height = Math.max(72, Math.min(heightOf(2), from + down.clientY - event.clientY));
      setHeight(height);
    };
    const end = (): void => {
      removeEventListener("pointermove", move);
      panel.classList.remove("held");
      const nearest = [0, 1, 2].reduce((a, b) => (Math.abs(heightOf(b) - height) < Math.abs(heightOf(a) - height) ? b : a));
      stop.value = Math.abs(height - from) < 4 ? (stop.value + 1) % 3 : nearest;
      setHeight(heightOf(stop.value));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
    addEventListener("pointercancel", end, { once: true });
  };
  const key = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    stop.value = Math.max(0, Math.min(2, stop.value + step));
  };
  return <button type="button" class="grip" aria-label="Height of the panel" data-act="grip" onPointerDown={drag} onKeyDown={key} />;
}
