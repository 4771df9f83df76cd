/** An empty world: one card that starts a small plan around the origin. */

import { useEffect } from "preact/hooks";
import type { Planned } from "./api";
import { bootstrap } from "./bootstrap";
import { height, width, type Rect } from "./geometry";
import { Icon } from "./icons";
import { addPlan, closePlan, lookAtStarter, whyNotAdd } from "./planning";
import { isEmpty, model, planned as shownPlan, preview, selection, welcomeClosed } from "./state";
import { duration, latLon, planned, price } from "./words";

export const STARTER: Rect = [-4, -3, 3, 2];

export function Welcome() {
  // Who has selected something does not need to be told how to begin.
  const shown = isEmpty.value && !welcomeClosed.value && selection.value.size === 0;
  useEffect(() => {
    if (shown) lookAtStarter(STARTER);
    else if (preview.value?.starter) closePlan();
  }, [shown]);
  if (!shown) return null;
  const starter = preview.value?.starter ? preview.value : null;
  const plan = starter && shownPlan.value;
  const chosen = model.value;
  const ready = starter !== null && whyNotAdd(starter) === "" && chosen?.available === true;
  return (
    <section class="card welcome" data-welcome data-over-map aria-label="Begin">
      <h2>Start with {width(STARTER) * height(STARTER)} quadrants</h2>
      <p>One small plan shows the style and the speed before you commit to a city.</p>
      <ul>
        <li>
          <Icon name="check" className="ok" />
          <div>
            Place
            <p>
              {bootstrap.world}, {latLon(bootstrap.camera.latitude, bootstrap.camera.longitude)}
            </p>
          </div>
        </li>
        <li>
          <Icon name={chosen?.available ? "check" : "refused"} className={chosen?.available ? "ok" : "off"} />
          <div>
            Model
            <p>{chosen ? (chosen.available ? chosen.name : `${chosen.name} cannot be called. ${chosen.reason}`) : "none"}</p>
          </div>
        </li>
        <li>
          <Icon name="waiting" />
          <div>
            Plan
            <p>{plan ? inShort(plan) : "Working out the order of work."}</p>
          </div>
        </li>
      </ul>
      <div class="buttons">
        <button type="button" class="button primary" data-act="start" disabled={!ready} onClick={addPlan}>
          <Icon name="play" />
          Start this plan
        </button>
        <button type="button" class="button" data-act="own-plan" onClick={() => (welcomeClosed.value = true)}>
          <Icon name="fill" />
          Draw my own
        </button>
      </div>
    </section>
  );
}

function inShort(plan: Planned): string {
  const { estimate } = plan;
  const time = duration(estimate);
  const rest = [time, estimate.cost ? `for ${price(estimate.cost)}` : ""].filter(Boolean).join(" ");
  return `${planned(plan)}${rest ? ` ${rest[0]!.toUpperCase()}${rest.slice(1)}.` : ""}`;
}
