/** A plan in three lines: its name, its progress, its rate and time left. */

import { cancelPlan, retryPlan } from "./actions";
import type { Plan } from "./api";
import { Icon } from "./icons";
import { replan } from "./planning";
import { nameOfModel, now, status } from "./state";
import { count, moment, planName, span } from "./words";

export function PlanCard({ plan }: { plan: Plan }) {
  const name = planName(plan);
  return (
    <section class="plan" data-plan={plan.plan} data-settled={plan.settled} data-stuck={plan.stuck} aria-label={name}>
      <div class="plan-head">
        <h3 title={plan.plan}>{name}</h3>
        {plan.failed > 0 && !plan.stuck && (
          <button type="button" class="quiet" data-act="retry-plan" onClick={() => retryPlan(plan.plan)}>
            <Icon name="retry" />
            Retry {plan.failed}
          </button>
        )}
        {(!plan.settled || plan.stuck) && (
          <button type="button" class="quiet square" aria-label={`Call off ${name}`} title="Call off" data-act="cancel-plan" onClick={() => cancelPlan(plan.plan)}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <Progress plan={plan} />
      <div class="plan-lines">
        <span>
          {plan.quadrants_done.toLocaleString("en")} of {plan.quadrants_total.toLocaleString("en")}
        </span>
        <span>{plan.model_id ? nameOfModel(plan.model_id) : "renders"}</span>
        <span class="dim">{left(plan)}</span>
        <span class="dim">{right(plan)}</span>
      </div>
      {plan.stuck && <Stuck plan={plan} />}
    </section>
  );
}

/** A plan that nothing but a person can bring on: why, and the ways out. */
function Stuck({ plan }: { plan: Plan }) {
  return (
    <div class="stuck" role="status">
      <p data-reason>
        <Icon name={plan.failed ? "failed" : "refused"} />
        <span>{plan.reason}</span>
      </p>
      <div class="buttons">
        <button type="button" class="button" data-act="retry-plan" onClick={() => retryPlan(plan.plan)}>
          <Icon name="retry" />
          Retry and resume
        </button>
        <button type="button" class="button" data-act="replan" onClick={() => replan(plan.plan)}>
          <Icon name="replan" />
          Re-plan
        </button>
      </div>
    </div>
  );
}

function left(plan: Plan): string {
  const held = plan.held ? `${plan.held.toLocaleString("en")} held` : "";
  if (plan.failed) return [`${count(plan.failed, "job")} failed`, held].filter(Boolean).join(", ");
  if (held) return `${count(plan.held, "step")} cannot go on`;
  if (plan.settled) return plan.quadrants_done < plan.quadrants_total ? "called off" : "finished";
  const rate = status.value?.per_minute ?? 0;
  return rate > 0 ? `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)} a minute` : "not begun";
}

function right(plan: Plan): string {
  if (plan.settled) return moment(plan.created_at);
  return plan.seconds_left ? `${span(plan.seconds_left)} left` : `begun ${span(Math.max(1, now.value - plan.created_at))} ago`;
}

function Progress({ plan }: { plan: Plan }) {
  const jobs = Object.values(plan.counts).reduce((sum, n) => sum + n, 0) || 1;
  const done = plan.quadrants_total ? plan.quadrants_done / plan.quadrants_total : 0;
  const share = (n: number | undefined): number => ((n ?? 0) / jobs) * (1 - done);
  const parts: [string, number][] = [
    ["done", done],
    ["processing", share(plan.counts.processing)],
    ["failed", share(plan.failed)],
    ["held", share(plan.held)],
  ];
  let at = 0;
  return (
    <svg
      class="progress"
      viewBox="0 0 1000 6"
      preserveAspectRatio="none"
      role="progressbar"
      aria-label={planName(plan)}
      aria-valuemin={0}
      aria-valuemax={plan.quadrants_total}
      aria-valuenow={plan.quadrants_done}
    >
      <rect class="track" width="1000" height="6" />
      {parts.map(([name, part]) => {
        const x = at;
        at += part * 1_000;
        return <rect key={name} class={`part-${name}`} x={x} width={Math.max(part > 0 ? 4 : 0, part * 1_000)} height="6" />;
      })}
    </svg>
  );
}
