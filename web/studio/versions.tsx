/** The versions of a quadrant, old ones too: looked at, held against the map, put back. */

import { useState } from "preact/hooks";
import { tileAddress, type QuadrantView, type Version } from "./api";
import { Icon } from "./icons";
import { holding } from "./peek";
import { How } from "./provenance";
import { putBack } from "./steering";
import { layer, type Peek } from "./state";
import { moment } from "./words";
import { world } from "./world";

const isPicture = (version: Version): boolean => version.layer === world.drawn || version.layer === "render";

/** What people call each version: those of the layer shown are numbered as they came, from 1. */
function namesOf(versions: readonly Version[]): Map<number, string> {
  let left = versions.filter((one) => one.layer !== "render").length;
  return new Map(versions.map((one) => [one.version, one.layer === "render" ? "render" : `v${left--}`]));
}

export function Versions({ of }: { of: QuadrantView }) {
  const [chosen, setChosen] = useState(0);
  void layer.value;
  const versions = of.versions.filter(isPicture);
  if (versions.length === 0) return <p class="note padded">Nothing stands here yet. Render or Fill begins it.</p>;
  const names = namesOf(versions);
  const current = versions.find((one) => one.current && one.layer !== "render");
  const shown = versions.find((one) => one.version === chosen) ?? current ?? versions[0]!;
  const name = names.get(shown.version)!;
  const address = tileAddress(shown.layer, 0, of.x, of.y, `v=${shown.version}`);
  const peek: Peek = { name: String(shown.version), pictures: [{ x: of.x, y: of.y, address }] };
  return (
    <>
      <section class="facts">
        <h3>Versions</h3>
        <div class="versions">
          {versions.map((one) => (
            <button key={one.version} type="button" class="version" aria-pressed={one === shown} data-version={one.version} data-current={one.current} title={moment(one.created_at)} onClick={() => setChosen(one.version)}>
              <img src={tileAddress(one.layer, 0, of.x, of.y, `v=${one.version}`)} alt={`${one.layer}, version ${one.version}`} loading="lazy" class={one.layer} />
              <span>
                {names.get(one.version)}
                {one.current ? (one.layer !== "render" ? " on the map" : "") : one.scaffold ? " scaffold" : ""}
              </span>
            </button>
          ))}
        </div>
        {shown !== current && (
          <div class="buttons version-acts">
            {shown.layer !== "render" && (
              <button type="button" class="button" data-act="put-back" onClick={() => void putBack(of.x, of.y, shown.version)}>
                <Icon name="undo" />
                Put {name} back
              </button>
            )}
            <button type="button" class="button hold" data-act="hold" {...holding(peek)}>
              <Icon name="compare" />
              Hold to compare
            </button>
          </div>
        )}
        {shown !== current && shown.layer !== "render" && (
          <p class="note">{current ? `${names.get(current.version)} is kept. Neighbours that were fitted to it become stale.` : "Neighbours may become stale. Nothing is deleted."}</p>
        )}
      </section>
      <How version={shown} of={of} name={name} />
    </>
  );
}
