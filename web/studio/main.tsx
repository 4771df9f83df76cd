/** The studio: map, panels and the stream of events, put together. */

import { effect } from "@preact/signals";
import L from "leaflet";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ActionBar } from "./actionbar";
import { blueprint } from "./blueprint";
import { bootstrap } from "./bootstrap";
import { LayerSwitch, PhoneTools, Place, Tools, Zoom } from "./controls";
import { bounding, contains, grown, type Cell, type Rect } from "./geometry";
import { followKeys } from "./keys";
import { Labels } from "./labels";
import { at, fit, followView, goToAddress, inView, makeMap, writeAddress } from "./map";
import { MiniMap } from "./minimap";
import { Banner } from "./notices";
import { addOverlay } from "./overlay";
import { Panel } from "./panel";
import { followPeek } from "./peek";
import { followPlan } from "./planning";
import { look, start } from "./refresh";
import { followPointer } from "./selection";
import { explained, extent, isEmpty, layer, loaded, now, pass, preview, report, selection, status, tool, welcomeClosed, worldTick, type Aim } from "./state";
import { world } from "./world";
import "./style/tokens.css";
import "./style/map.css";
import "./style/layout.css";
import "./style/panel.css";
import "./style/queue.css";
import { theme } from "./theme";
import { addTiles } from "./tiles";
import { Tooltip } from "./tooltip";
import { TopBar } from "./topbar";
import { STARTER, Welcome } from "./welcome";

/** How far the card of an empty world reaches from the left. */
const CARD_PX = 440;

function furnish(map: L.Map): void {
  const hadAddress = goToAddress(map);
  if (!hadAddress) fit(map, STARTER);
  const tiles = addTiles(map);
  const overlay = addOverlay(map);
  followPointer(map);
  followKeys(map);
  followPlan();
  followPeek(map);
  followView(map, () => look(inView(map)));
  effect(() => {
    void pass.value;
    if (layer.value !== "render" && world.drawn !== layer.value) {
      world.drawn = layer.value;
      worldTick.value = worldTick.peek() + 1;
    }
    tiles.show(layer.value);
    writeAddress(map);
  });
  effect(() => {
    map.getContainer().dataset["tool"] = tool.value;
  });
  effect(() => {
    void theme.value;
    overlay.recolour();
    tiles.recolour();
    writeAddress(map);
  });
  effect(() => {
    void [worldTick.value, selection.value, blueprint.value, explained.value];
    overlay.redraw();
  });
  // What is left of a plan may lie anywhere: it is brought into view once, when it is first known.
  let brought: Aim | null = null;
  effect(() => {
    const [aim, plan] = [preview.value?.aim, blueprint.value];
    if (!plan?.bounds || aim?.kind !== "rest" || brought === aim) return;
    brought = aim;
    if (!contains(inView(map), plan.bounds)) fit(map, plan.bounds);
  });
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
  void start(inView(map), tiles.refresh).then(() => {
    if (hadAddress) return;
    // The view is ours until the person moves it: beside the card first, on the plan once there is one.
    let mine = "";
    const stop = effect(() => {
      if (mine && mine !== location.hash) return queueMicrotask(() => stop());
      const beside = isEmpty.value && !welcomeClosed.value && map.getSize().x > 900;
      fit(map, wholeOrStarter(), beside ? CARD_PX : 0);
      mine = location.hash;
      if (extent.value) queueMicrotask(() => stop());
    });
  });
}

function wholeOrStarter(): Rect {
  const known = extent.value;
  // The first plan is shown larger than the renders around it, and whole while it grows.
  return known && !contains(grown(STARTER, 3), known) ? known : STARTER;
}

function Studio() {
  const box = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<L.Map | null>(null);
  useEffect(() => {
    const made = makeMap(box.current!);
    furnish(made);
    setMap(made);
  }, []);
  const go = ({ quadrants }: { quadrants: readonly Cell[] }): void => {
    const rect = bounding(quadrants);
    if (rect && map) map.panTo(at((rect[0] + rect[2] + 1) / 2, (rect[1] + rect[3] + 1) / 2));
  };
  return (
    <div class="studio" data-loaded={loaded.value} data-layer={layer.value}>
      <TopBar />
      <main class="stage">
        <div class="map" ref={box} tabIndex={0} role="application" aria-label="Map of quadrants" />
        {map && (
          <>
            <LayerSwitch />
            <Tools />
            <PhoneTools map={map} />
            <Banner />
            <div class="lower-left">
              <Zoom map={map} />
              <Place />
            </div>
            <MiniMap map={map} />
            <ActionBar map={map} />
            <Tooltip map={map} />
            <Welcome />
            <Labels map={map} />
          </>
        )}
        <p class={`report ${report.value ? "shown" : ""}`} role="status" aria-live="polite" data-report>
          {report.value}
        </p>
      </main>
      <Panel go={go} />
    </div>
  );
}

document.title = `${bootstrap.world}, Tilewright`;
if (matchMedia("(max-width: 719px)").matches) {
  // A phone moves the map with one finger until told otherwise.
  tool.value = "move";
}
render(<Studio />, document.getElementById("studio")!);

// Ages tick once a second, and only while something on the page has one.
setInterval(() => {
  if (!document.hidden && status.value) now.value = Date.now() / 1_000;
}, 1_000);
