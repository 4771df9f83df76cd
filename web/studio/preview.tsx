/** A plan before it is asked for: what it takes, its order of work, what it leaves out, and the button that adds it. */

import type { Estimate, Model, Planned, Shape } from "./api";
import type { Cell } from "./geometry";
import { Icon } from "./icons";
import { shade } from "./ink";
import { LeftOut } from "./leftout";
import { addPlan, closePlan, rename, setRepair, usualName, whyNotAdd } from "./planning";
import { isEmpty, models, planned as shownAnswer, plans, preview, type Preview } from "./state";
import { colours, theme } from "./theme";
import { capital, count, duration, named, planned, price } from "./words";

type Go = (place: { quadrants: readonly Cell[] }) => void;

const SHAPES: [Shape, string, number, number][] = [
  ["2x2", "2 × 2", 2, 2],
  ["2x1", "2 × 1", 2, 1],
  ["1x2", "1 × 2", 1, 2],
  ["1x1", "1 × 1", 1, 1],
];

export const shownPlan = (): Preview | null => (preview.value?.starter && isEmpty.value ? null : preview.value);

export function PlanPreview({ plan, go }: { plan: Preview; go: Go }) {
  const answer = shownAnswer.value;
  const isRest = plan.aim.kind === "rest";
  const off = whyNotAdd(plan);
  return (
    <form
      class="new-plan"
      data-preview={plan.aim.kind}
      data-asking={plan.asking}
      aria-busy={plan.asking}
      onSubmit={(event) => {
        event.preventDefault();
        addPlan();
      }}
    >
      <div class="panel-title">
        <h2>{isRest ? "Re-plan what is left" : "New plan"}</h2>
        <button type="button" class="quiet square" aria-label="Close the plan" data-act="close-plan" onClick={closePlan}>
          <Icon name="close" />
        </button>
      </div>
      <div class="plan-body">
        <section class="facts">
          {isRest ? (
            <p class="aim">
              <strong>{usualName(plan)}</strong> goes on with new steps for what is not finished; its old ones are called off.
            </p>
          ) : (
            <label class="labelled">
              <span>Name</span>
              <input
                class="field"
                maxLength={300}
                data-field="plan-name"
                placeholder={usualName(plan)}
                value={plan.name}
                onInput={(event) => rename(event.currentTarget.value)}
              />
            </label>
          )}
        </section>
        {plan.refusal && (
          <p class="say say-refused" role="status" data-refusal>
            <Icon name="refused" />
            <span>{plan.refusal}</span>
          </p>
        )}
        {answer ? <Contents plan={plan} answer={answer} go={go} /> : <p class="note padded">Working out the order of work.</p>}
      </div>
      <footer class="plan-foot">
        <span data-foot>{answer ? foot(answer) : ""}</span>
        <button type="button" class="quiet" onClick={closePlan}>
          Cancel
        </button>
        <button type="submit" class="button primary" data-act="add-plan" disabled={off !== ""} title={off}>
          {isRest ? "Re-plan" : "Add plan"}
        </button>
      </footer>
    </form>
  );
}

function foot({ estimate }: Planned): string {
  const cost = estimate.cost ? `${price(estimate.cost)}, ` : "";
  const time = duration(estimate);
  return time ? `${cost}${time}` : `${cost}${count(estimate.calls, "model call")}`;
}

function Contents({ plan, answer, go }: { plan: Preview; answer: Planned; go: Go }) {
  if (answer.steps.length === 0) {
    return (
      <>
        <p class="say say-refused" role="status" data-nothing>
          <Icon name="refused" />
          <span>
            <strong>{answer.left_out_count ? "None of it can be filled." : "Nothing is left to do here."}</strong>{" "}
            {answer.left_out_count ? "The reasons stand below." : "Every quadrant is finished."}
          </span>
        </p>
        <Redo plan={plan} />
        <LeftOut plan={answer} go={go} />
      </>
    );
  }
  return (
    <>
      <Needs answer={answer} plan={plan} />
      <Redo plan={plan} />
      <LeftOut plan={answer} go={go} />
      <Waves answer={answer} />
      <Proof answer={answer} />
    </>
  );
}

/** The model that the figures are for: the one chosen, or what is left goes on with its own. */
function modelOf({ aim, answer }: Preview): Model | undefined {
  const id = aim.kind === "rest" ? plans.value.find((one) => one.plan === aim.plan)?.model_id : answer?.model;
  return models.value.find((one) => one.model_id === id);
}

/** What it takes, in plain words. */
function Needs({ answer, plan }: { answer: Planned; plan: Preview }) {
  const { estimate } = answer;
  const called = modelOf(plan);
  const each = called?.cost_per_image;
  const time = duration(estimate);
  const rows: [string, string, string][] = [
    ["calls", `${count(estimate.calls, "model call")}`, `${count(estimate.quadrants, "quadrant")}${called ? ` with ${called.name}` : ""}`],
    ["renders", answer.renders ? count(answer.renders, "render") : "No renders", answer.renders ? "come first" : "all are there"],
    ["time", time ? capital(time) : "Time unknown", time ? atOnce(estimate) : "no history yet with this model"],
    ["cost", estimate.cost === null ? "Cost unknown" : price(estimate.cost), estimate.cost === null ? "the model states no price" : each ? `${estimate.calls.toLocaleString("en")} × ${price(each)} a call` : "as the model states it"],
  ];
  return (
    <section class="facts">
      <h3>What it takes</h3>
      <dl class="needs">
        {rows.map(([name, value, note]) => (
          <div key={name} data-need={name}>
            <dt>{value}</dt>
            <dd>{note}</dd>
          </div>
        ))}
      </dl>
      <ul class="shapes" aria-label="Model calls by shape">
        {SHAPES.map(([shape, name, across, down]) => {
          const n = estimate.shapes[shape] ?? 0;
          return (
            <li key={shape} data-shape={shape} class={n ? "" : "none"}>
              <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
                <rect x={across === 2 ? 1.5 : 5.5} y={down === 2 ? 1.5 : 5.5} width={across * 7.5} height={down * 7.5} rx="1" />
              </svg>
              <span>
                {n.toLocaleString("en")} <span class="dim">{name}</span>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function atOnce(estimate: Estimate): string {
  const others = plans.value.some((one) => !one.settled) ? ", after what waits" : "";
  return `${estimate.concurrency === 1 ? "one call" : `${estimate.concurrency} calls`} at a time${others}`;
}

/** Offered only where it fills more: finished quadrants that are in the way are drawn anew. */
function Redo({ plan }: { plan: Preview }) {
  const redo = plan.answer?.redo;
  if (!redo) return null;
  const more = plan.answer!.plain.left_out_count - redo.left_out_count;
  const effect = plan.repair
    ? `${count(redo.repaired.length, "finished quadrant")} ${redo.repaired.length === 1 ? "is" : "are"} drawn anew: ${named(redo.repaired)}. Earlier versions are kept.`
    : `Fills ${more.toLocaleString("en")} more, and draws ${count(redo.repaired.length, "finished quadrant")} anew: ${named(redo.repaired)}.`;
  return (
    <section class="facts">
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={plan.repair}
          data-field="repair"
          aria-describedby="repair-effect"
          onChange={(event) => setRepair(event.currentTarget.checked)}
        />
        <span class="switch-track" aria-hidden="true" />
        <span>Redo finished neighbours that are in the way</span>
      </label>
      <p class="note" id="repair-effect" data-repair-effect>
        {effect}
      </p>
    </section>
  );
}

interface Wave {
  wave: number;
  calls: number;
  quadrants: number;
}

function wavesOf(answer: Planned): Wave[] {
  const found = new Map<number, Wave>();
  for (const step of answer.steps) {
    const wave = found.get(step.wave) ?? { wave: step.wave, calls: 0, quadrants: 0 };
    wave.calls += 1;
    wave.quadrants += step.quadrants.length;
    found.set(step.wave, wave);
  }
  return [...found.values()].sort((a, b) => a.wave - b.wave);
}

function Waves({ answer }: { answer: Planned }) {
  void theme.value;
  const look = colours();
  return (
    <section class="facts">
      <h3>Order of work</h3>
      <table class="waves">
        <thead>
          <tr>
            <th scope="col">Wave</th>
            <th scope="col">Calls</th>
            <th scope="col">Quadrants</th>
          </tr>
        </thead>
        <tbody>
          {wavesOf(answer).map((row) => (
            <tr key={row.wave} data-wave-row={row.wave}>
              <td>
                <span class="wave" aria-hidden="true" style={{ background: shade(row.wave, answer.waves, look) }} /> {row.wave}
              </td>
              <td>{row.calls.toLocaleString("en")}</td>
              <td>{row.quadrants.toLocaleString("en")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Proof({ answer }: { answer: Planned }) {
  const scaffold = answer.steps.reduce((sum, step) => sum + step.scaffold.length + step.padding.length, 0);
  return (
    <p class="say say-done" role="status">
      <Icon name="check" />
      <span>
        <strong>No seam in any allowed order.</strong> <span data-planned>{planned(answer)}</span>
        {scaffold > 0 && ` ${count(scaffold, "quadrant")} beside it ${scaffold === 1 ? "is" : "are"} drawn as scaffold and dropped at the end.`}
      </span>
    </p>
  );
}
