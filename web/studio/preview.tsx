/** A plan before it is asked for: its order of work, its renders, and the button that adds it. */

import { addPlan, usualName } from "./actions";
import type { PlannedStep } from "./api";
import { Icon } from "./icons";
import { isEmpty, model, plans, preview, status, type Preview } from "./state";
import { count, planned, span, waveName } from "./words";

interface Wave {
  wave: number;
  jobs: number;
  quadrants: number;
  scaffold: number;
}

function waves(steps: PlannedStep[]): Wave[] {
  const found = new Map<number, Wave>();
  for (const step of steps) {
    const wave = found.get(step.wave) ?? { wave: step.wave, jobs: 0, quadrants: 0, scaffold: 0 };
    wave.jobs += 1;
    wave.quadrants += step.quadrants.length;
    wave.scaffold += step.scaffold.length + step.padding.length;
    found.set(step.wave, wave);
  }
  return [...found.values()].sort((a, b) => a.wave - b.wave);
}

export const shownPlan = (): Preview | null => (preview.value?.starter && isEmpty.value ? null : preview.value);

export function closePlan(): void {
  preview.value = null;
}

export function PlanPreview({ plan }: { plan: Preview }) {
  return (
    <form
      class="new-plan"
      data-preview
      onSubmit={(event) => {
        event.preventDefault();
        addPlan();
      }}
    >
      <div class="panel-title">
        <h2>New plan</h2>
        <button type="button" class="quiet square" aria-label="Close the plan" onClick={closePlan}>
          <Icon name="close" />
        </button>
      </div>
      <div class="plan-body">
        <section class="facts">
          <label class="labelled">
            <span>Name</span>
            <input
              class="field"
              maxLength={300}
              data-field="plan-name"
              placeholder={usualName(plan)}
              value={plan.name}
              onInput={(event) => (preview.value = { ...plan, name: event.currentTarget.value })}
            />
          </label>
        </section>
        {plan.planned ? <Order plan={plan} /> : <p class="note padded">Working out the order of work.</p>}
      </div>
      <footer class="plan-foot">
        <span>{timeNeeded(plan)}</span>
        <button type="button" class="quiet" onClick={closePlan}>
          Cancel
        </button>
        <button type="submit" class="button primary" data-act="add-plan" disabled={!plan.planned}>
          Add plan
        </button>
      </footer>
    </form>
  );
}

/** From what this world did lately; nothing is said where nothing is known. */
function timeNeeded(plan: Preview): string {
  const rate = status.value?.per_minute ?? 0;
  const quadrants = plan.planned?.steps.reduce((sum, step) => sum + step.quadrants.length, 0) ?? 0;
  const waitingFor = plans.value.some((one) => !one.settled) ? " after what waits" : "";
  return rate > 0 && quadrants ? `About ${span((quadrants / rate) * 60)}${waitingFor}` : count(quadrants, "quadrant");
}

function Order({ plan }: { plan: Preview }) {
  const answer = plan.planned!;
  const rows = waves(answer.steps);
  const total = rows.reduce((sum, row) => ({ jobs: sum.jobs + row.jobs, quadrants: sum.quadrants + row.quadrants, scaffold: sum.scaffold + row.scaffold }), {
    jobs: 0,
    quadrants: 0,
    scaffold: 0,
  });
  return (
    <>
      <section class="facts">
        <h3>Order of work</h3>
        <table class="waves">
          <thead>
            <tr>
              <th>Wave</th>
              <th>Jobs</th>
              <th>Quadrants</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.wave}>
                <td>
                  <span class={`wave wave-${row.wave}`}>{row.wave}</span> {waveName(row.wave)}
                </td>
                <td>{row.jobs}</td>
                <td>{row.quadrants}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <td>Total</td>
              <td>{total.jobs}</td>
              <td>{total.quadrants}</td>
            </tr>
          </tfoot>
        </table>
      </section>
      <section class="facts">
        <h3>Limits</h3>
        <dl>
          <div>
            <dt>Model</dt>
            <dd>{model.value?.name}</dd>
          </div>
          <div>
            <dt>Renders</dt>
            <dd>{answer.renders ? `${answer.renders} come first` : "all there"}</dd>
          </div>
        </dl>
      </section>
      <p class="say say-done" role="status">
        <Icon name="check" />
        <span>
          <strong>No seam in any allowed order.</strong> <span data-planned>{planned(answer)}</span>
          {total.scaffold > 0 && ` ${count(total.scaffold, "quadrant")} beside it ${total.scaffold === 1 ? "is" : "are"} drawn as scaffold and dropped at the end.`}
        </span>
      </p>
    </>
  );
}
