/** The acts on the selection, 12 px under it; above it near the lower edge. */

import type L from "leaflet";
import { useLayoutEffect, useRef } from "preact/hooks";
import { generate, render, whyNotFill, whyNotGenerate, whyNotRender } from "./actions";
import { openCompare } from "./compare";
import { height, width } from "./geometry";
import { Icon, type IconName } from "./icons";
import { at } from "./map";
import { fill } from "./planning";
import { againIn } from "./replies";
import { clearSelection } from "./selection";
import { centre, models, preview, say, selectedRect, selection, zoom, type Say } from "./state";
import { count } from "./words";

const GAP = 12;

export function ActionBar({ map }: { map: L.Map }) {
  const bar = useRef<HTMLDivElement>(null);
  const rect = selectedRect.value;
  const shown = rect !== null && preview.value === null;
  // Read so that the bar follows the map.
  void centre.value;
  void zoom.value;
  useLayoutEffect(() => {
    const element = bar.current;
    if (!element || !rect || !shown) return;
    const size = map.getSize();
    const from = map.latLngToContainerPoint(at(rect[0], rect[1]));
    const to = map.latLngToContainerPoint(at(rect[2] + 1, rect[3] + 1));
    const { offsetWidth, offsetHeight } = element;
    const x = Math.max(GAP, Math.min(from.x, size.x - offsetWidth - GAP));
    const lowest = size.y - offsetHeight - 56;
    let y = to.y + GAP;
    if (y > lowest) y = from.y - offsetHeight - GAP;
    if (y < 56) y = lowest;
    element.style.transform = `translate(${Math.round(x)}px, ${Math.round(Math.min(y, lowest))}px)`;
  });
  if (!shown) return null;
  const notGenerate = whyNotGenerate();
  const notFill = whyNotFill();
  const word = say.value ?? (notGenerate ? { tone: "refused" as Say["tone"], title: "Generate is off here.", text: notGenerate } : null);
  return (
    <div class="action-bar" ref={bar} data-over-map role="toolbar" aria-label="Selection">
      <div class="action-row">
        <span class="selected-count" data-selected={selection.value.size}>
          {count(selection.value.size, "quadrant")}
        </span>
        <Act name="render" label="Render" act={render} off={whyNotRender()} />
        <Act name="generate" label="Generate" act={generate} off={notGenerate} />
        <Act name="fill" label="Fill" act={fill} off={notFill} />
        {models.value.length > 0 && width(rect) <= 2 && height(rect) <= 2 && (
          <button type="button" class="quiet" data-act="compare" title="Let several models, or one with several seeds, draw it" onClick={openCompare}>
            <Icon name="compare" />
            Compare
          </button>
        )}
        <button type="button" class="quiet square" aria-label="Clear the selection" data-act="clear-selection" onClick={clearSelection}>
          <Icon name="close" />
        </button>
      </div>
      {word && (
        <p class={`say say-${word.tone}`} role="status" data-say={word.tone}>
          {word.tone === "busy" ? <Icon name="spinner" className="spin" /> : <Icon name={word.tone === "done" ? "check" : "refused"} />}
          <span>
            <strong>{word.title}</strong> {word.text} {againIn(word)}
          </span>
        </p>
      )}
    </div>
  );
}

interface ActGiven {
  name: "render" | "generate" | "fill";
  label: string;
  act: () => void;
  off?: string;
}

function Act({ name, label, act, off = "" }: ActGiven) {
  const key = label[0]!.toUpperCase();
  return (
    <button type="button" class="quiet" data-act={name} aria-disabled={off !== ""} aria-keyshortcuts={key} title={off || `${label} (${key})`} onClick={act}>
      <Icon name={name as IconName} />
      {label}
    </button>
  );
}
