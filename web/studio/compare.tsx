/** Comparing models: one call by several of them, or with several seeds, and the choice between what they made. */

import { batch, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { tell, whyNotGenerate, wish } from "./actions";
import { Refused, type Candidate, type Model } from "./api";
import { bounding, type Cell } from "./geometry";
import { Icon } from "./icons";
import { lateShown } from "./late";
import { getCandidates, orphanPicture, postCompare, postOrphan } from "./orders";
import { holding } from "./peek";
import { reload } from "./refresh";
import { Reply } from "./replies";
import type { Go } from "./row";
import { candidates, modelId, models, nameOfModel, selected, selectedRect, status, tab } from "./state";
import { order } from "./steering";
import { capital, count, price, seconds, sentence, sizeOf, stateLabel } from "./words";

const MOST = 32;
const OFFLINE = "pixel-art";

/** Whether the panel shows them instead of the queue. */
export const compareShown = signal(false);
const list = signal<Candidate[] | null>(null);
const problem = signal("");
const chosen = signal<ReadonlySet<string>>(new Set());
const seeds = signal(1);

export function openCompare(): void {
  batch(() => {
    if (chosen.value.size === 0) chosen.value = new Set([modelId.value]);
    tab.value = "queue";
    lateShown.value = false;
    compareShown.value = true;
  });
}

/** One quiet line in the queue, while there is something to choose from. */
export function CompareLine() {
  if (candidates.value === 0) return null;
  return (
    <button type="button" class="late-line" data-candidates={candidates.value} onClick={openCompare}>
      <Icon name="compare" />
      <span>{count(candidates.value, "candidate")} to choose from</span>
      <Icon name="chevron" size={14} className="aside" />
    </button>
  );
}

async function load(): Promise<void> {
  try {
    list.value = await getCandidates();
    problem.value = "";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    problem.value = error.message;
  }
}

export function ComparePanel({ go }: { go: Go }) {
  useEffect(() => void load(), [status.value]);
  const comparisons = new Map<string, Candidate[]>();
  for (const one of list.value ?? []) comparisons.set(one.plan, [...(comparisons.get(one.plan) ?? []), one]);
  return (
    <div class="late" data-comparisons={list.value ? comparisons.size : ""}>
      <div class="panel-title">
        <h2>Compare models</h2>
        <button type="button" class="quiet square" aria-label="Back to the queue" data-act="close-compare" onClick={() => (compareShown.value = false)}>
          <Icon name="close" />
        </button>
      </div>
      <Form />
      {problem.value && <p class="say say-refused">{problem.value}</p>}
      {[...comparisons].reverse().map(([plan, all]) => (
        <Comparison key={plan} of={all} go={go} />
      ))}
    </div>
  );
}

function Form() {
  const rect = selectedRect.value;
  const why = rect ? whyNotGenerate() : "Select up to 2 × 2 quadrants to compare models there.";
  if (why || !rect) return <p class="note padded">{why}</p>;
  const asked = models.value.filter((one) => one.available && chosen.value.has(one.model_id));
  // The offline model knows no chance: it makes one picture, whatever the seed.
  const callsOf = (one: Model): number => (one.provider === OFFLINE ? 1 : seeds.value);
  const calls = asked.reduce((sum, one) => sum + callsOf(one), 0);
  const isPriced = asked.every((one) => one.cost_per_image !== null || one.provider === OFFLINE);
  const cost = isPriced ? asked.reduce((sum, one) => sum + (one.cost_per_image ?? 0) * callsOf(one), 0) : 0;
  const choose = (id: string, on: boolean): void => {
    chosen.value = new Set(on ? [...chosen.value, id] : [...chosen.value].filter((other) => other !== id));
  };
  const make = (): void => {
    const { prompt, negative_prompt } = wish();
    const words = { ...(prompt ? { prompt } : {}), ...(negative_prompt ? { negative_prompt } : {}) };
    const all = seeds.value > 1 ? Array.from({ length: seeds.value }, (_, i) => i + 1) : [];
    const request = { quadrants: selected.value, models: asked.map((one) => one.model_id), seeds: all, ...words };
    void order("compare", () => postCompare(request), () => {
      tell("The candidates are being made.");
      void load();
    });
  };
  const off = calls === 0 ? "Choose a model." : asked.length * seeds.value > MOST ? `At most ${MOST} candidates at once.` : "";
  return (
    <div class="compare-form">
      <p class="note">They draw the same place, and stay off the map until you choose one. What stands there stays until then.</p>
      {models.value.map((one) => (
        <label key={one.model_id} title={one.reason}>
          <input
            type="checkbox"
            data-compare-model={one.model_id}
            disabled={!one.available}
            checked={one.available && chosen.value.has(one.model_id)}
            onChange={(event) => choose(one.model_id, event.currentTarget.checked)}
          />
          {one.name}
        </label>
      ))}
      <label>
        <input
          type="number"
          min={1}
          max={MOST}
          value={seeds.value}
          data-compare-seeds
          onChange={(event) => (seeds.value = Math.min(MOST, Math.max(1, Math.round(event.currentTarget.valueAsNumber) || 1)))}
        />
        {seeds.value === 1 ? "picture of each" : "pictures of each, by other seeds"}
      </label>
      <div class="buttons">
        <button type="button" class="button" data-act="make-candidates" disabled={off !== ""} onClick={make}>
          <Icon name="compare" />
          Compare
        </button>
        <span class="note">{off || `${count(calls, "call")} for ${rect[0]},${rect[1]}, ${sizeOf(rect)}${cost ? `, ${price(cost)}` : ""}`}</span>
      </div>
      <Reply at="compare" />
    </div>
  );
}

function Comparison({ of: all, go }: { of: Candidate[]; go: Go }) {
  const first = all[0]!;
  const rect = bounding(first.quadrants)!;
  return (
    <section class="comparison" data-comparison={first.plan}>
      <h3>
        {rect[0]},{rect[1]}
        {sizeOf(rect) === "1 × 1" ? "" : `, ${sizeOf(rect)}`}
      </h3>
      <div class="candidates">
        {all.map((one) => (
          <One key={one.orphan || `job ${one.job}`} of={one} go={go} />
        ))}
      </div>
    </section>
  );
}

function One({ of: one, go }: { of: Candidate; go: Go }) {
  const place = `candidate:${one.orphan || one.job}`;
  const tiles = [...one.tiles].sort((a, b) => a.y - b.y || a.x - b.x);
  const rect = bounding(tiles.map(({ x, y }): Cell => [x, y]));
  const pictures = tiles.map((tile) => ({ x: tile.x, y: tile.y, address: orphanPicture(one.orphan, tile) }));
  const name = `${nameOfModel(one.model_id)}${one.seed === null ? "" : `, seed ${one.seed}`}`;
  const act = (deed: "adopt" | "delete"): void =>
    void order(
      place,
      () => postOrphan(one.orphan, deed),
      () => {
        tell(deed === "adopt" ? "Chosen: it stands on the map." : "Discarded.");
        void load();
        if (deed === "adopt") void reload();
      },
    );
  return (
    <article class="candidate" data-candidate={one.orphan} data-model-of={one.model_id} data-adopted={one.adopted} data-adoptable={one.adoptable}>
      {rect && (
        <button type="button" class="late-pictures" title="Show on the map" onClick={() => go({ quadrants: one.quadrants })} style={{ gridTemplateColumns: `repeat(${rect[2] - rect[0] + 1}, 1fr)` }}>
          {tiles.map((tile) => (
            <img key={`${tile.x},${tile.y}`} src={orphanPicture(one.orphan, tile)} alt={`${tile.x},${tile.y} by ${name}`} loading="lazy" />
          ))}
        </button>
      )}
      <p>
        <strong>{name}</strong>
        <br />
        {rect ? [seconds(one.seconds), one.cost ? price(one.cost) : "", one.flagged ? "may show a seam" : "", one.adopted ? "was chosen" : ""].filter(Boolean).join(", ") : capital(one.doing || stateLabel(one.state))}
      </p>
      {one.reason && <p class="late-why">{sentence(one.reason)}</p>}
      {rect && (
        <div class="buttons">
          {one.adoptable && (
            <button type="button" class="button" data-act="choose" onClick={() => act("adopt")}>
              <Icon name="check" />
              Choose
            </button>
          )}
          <button type="button" class="button hold" data-act="hold-candidate" {...holding({ name: `candidate ${one.orphan}`, pictures })}>
            Hold to look
          </button>
          {!one.adopted && (
            <button type="button" class="quiet" data-act="discard" onClick={() => act("delete")}>
              <Icon name="bin" />
              Discard
            </button>
          )}
        </div>
      )}
      <Reply at={place} />
    </article>
  );
}
