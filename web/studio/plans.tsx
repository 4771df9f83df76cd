/** A plan in a few lines: its name, its progress, its rate, time left and cost, and what can be done with it. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Draft, Plan } from "./api";
import { clockAhead } from "./clock";
import { narrow } from "./filter";
import { Icon } from "./icons";
import { replan } from "./planning";
import { Reply } from "./replies";
import { nameOfModel, now, status } from "./state";
import { cancelPlan, dropDraft, pausePlan, retryPlan, revertPlan } from "./steering";
import { ExportLink } from "./transfer";
import { whyModelWaits } from "./waits";
import { capital, count, moment, perMinute, planName, price, sentence, span } from "./words";

/** The plan whose drawer is open; one at a time. */
const opened = signal("");

export function PlanCard({ plan }: { plan: Plan }) {
  const name = planName(plan);
  const isOpen = opened.value === plan.plan;
  const waits = !plan.settled && !plan.paused && plan.model_id ? whyModelWaits(plan.model_id) : "";
  return (
    <section class="plan" data-plan={plan.plan} data-settled={plan.settled} data-stuck={plan.stuck} data-paused={plan.paused} aria-label={name}>
      <div class="plan-head">
        <h3 title={plan.plan}>{name}</h3>
        {plan.failed > 0 && !plan.stuck && (
          <button type="button" class="quiet" data-act="retry-plan" onClick={() => retryPlan(plan.plan)}>
            <Icon name="retry" />
            Retry {plan.failed}
          </button>
        )}
        {(!plan.settled || plan.paused) && (
          <button
            type="button"
            class="quiet square"
            aria-label={`${plan.paused ? "Resume" : "Pause"} ${name}`}
            title={plan.paused ? "Resume" : "Pause"}
            data-act={plan.paused ? "resume-plan" : "pause-plan"}
            onClick={() => pausePlan(plan.plan, name, !plan.paused)}
          >
            <Icon name={plan.paused ? "play" : "pause"} />
          </button>
        )}
        <button type="button" class="quiet square" aria-label={`More for ${name}`} title="More" aria-expanded={isOpen} data-act="open-plan" onClick={() => (opened.value = isOpen ? "" : plan.plan)}>
          <Icon name="more" />
        </button>
      </div>
      <Progress plan={plan} />
      <div class="plan-lines">
        <span>
          {plan.quadrants_done.toLocaleString("en")} of {plan.quadrants_total.toLocaleString("en")}
        </span>
        <span title={plan.model_id && nameOfModel(plan.model_id)}>{plan.model_id ? nameOfModel(plan.model_id) : "renders"}</span>
        <span class="dim">{left(plan)}</span>
        <span class="dim">{right(plan)}</span>
      </div>
      {isEntering(plan) && (
        <p class="entering" data-entering={entered(plan)}>
          <Icon name="spinner" size={14} className="spin" />
          {entered(plan).toLocaleString("en")} of {count(plan.jobs, "job")} in the queue
        </p>
      )}
      {waits && (
        <p class="entering plan-waits" data-waits={plan.model_id}>
          <Icon name="clock" size={14} />
          {sentence(capital(waits))}
        </p>
      )}
      {plan.stuck ? <Stuck plan={plan} /> : plan.paused && plan.reason && <Capped plan={plan} name={name} />}
      <Reply at={`plan:${plan.plan}`} />
      {isOpen && <PlanDrawer plan={plan} />}
    </section>
  );
}

/** How many of its jobs are in the queue by now: those that have a state. */
const entered = (plan: Plan): number => Object.values(plan.counts).reduce((sum, n) => sum + n, 0);

/** Whether it is accepted and not wholly in the queue. */
const isEntering = (plan: Plan): boolean => !plan.settled && entered(plan) < plan.jobs;

/** A large plan that is not accepted yet. It is accepted or refused as a whole, so all that can be done is to call it off. */
export function DraftCard({ draft }: { draft: Draft }) {
  const name = draft.name || draft.plan;
  const isOpen = opened.value === draft.plan;
  const steps = draft.steps ? count(draft.steps, "step") : "";
  const isComing = !draft.drawing;
  return (
    <section class="plan draft" data-draft={draft.plan} data-drawing={draft.drawing} aria-label={name}>
      <div class="plan-head">
        <h3 title={draft.plan}>{name}</h3>
        <button type="button" class="quiet square" aria-label={`Call off ${name}`} title="Call off" aria-expanded={isOpen} data-act="drop-draft" onClick={() => (opened.value = isOpen ? "" : draft.plan)}>
          <Icon name="close" />
        </button>
      </div>
      {isComing && <progress class="coming" max={draft.steps} value={draft.here} aria-label="Steps that have come" />}
      <p class="entering">
        <Icon name={isComing ? "download" : "spinner"} size={14} className={isComing ? "" : "spin"} />
        {isComing ? `${draft.here.toLocaleString("en")} of ${steps} have come. Not accepted yet.` : `Being proved${steps ? `, ${steps}` : ""}. It is accepted as a whole, or not at all.`}
      </p>
      <Reply at={`plan:${draft.plan}`} />
      {isOpen && (
        <Sure
          text="Nothing of the plan is kept. Whoever sends it is told that it was called off; to have it after all, it takes another id."
          button="Call off the plan"
          name="sure-drop-draft"
          go={() => dropDraft(draft.plan, name)}
          close={() => (opened.value = "")}
        />
      )}
    </section>
  );
}

/** What can be done with a plan; what cannot be undone says first what it will do. */
function PlanDrawer({ plan }: { plan: Plan }) {
  const [asked, setAsked] = useState<"cancel" | "revert" | null>(null);
  const close = (): void => setAsked(null);
  const open = (["pending", "blocked", "processing"] as const).reduce((sum, state) => sum + (plan.counts[state] ?? 0), 0);
  const others = plan.quadrants_done;
  if (asked === "cancel") {
    return (
      <Sure
        text={`${isEntering(plan) ? `Of the plan's ${count(plan.jobs, "job")} no more are put into the queue, and those that are there are called off.` : `This calls off ${count(open, "job")} of the plan, also those being made.`} ${others ? `The ${count(others, "finished quadrant")} ${others === 1 ? "stays" : "stay"}.` : "Nothing of it is finished."}`}
        button={isEntering(plan) ? "Call off the plan" : `Call off ${count(open, "job")}`}
        name="sure-cancel-plan"
        go={() => cancelPlan(plan.plan)}
        close={close}
      />
    );
  }
  if (asked === "revert") {
    return (
      <Sure
        text={`This takes the ${count(others, "quadrant")} that the plan drew back to what stood there before it, or off the map where nothing did. Neighbours that were fitted to them become stale. Nothing is deleted: each can be put back.`}
        button={`Revert ${count(others, "quadrant")}`}
        name="sure-revert-plan"
        go={() => void revertPlan(plan.plan)}
        close={close}
      />
    );
  }
  return (
    <div class="drawer plan-drawer">
      {(!plan.settled || plan.stuck) && (
        <button type="button" class="menu-item" data-act="cancel-plan" onClick={() => setAsked("cancel")}>
          <Icon name="close" />
          Call off
        </button>
      )}
      {plan.settled && plan.quadrants_done < plan.quadrants_total && !plan.stuck && (
        <button type="button" class="menu-item" data-act="replan" onClick={() => replan(plan.plan)}>
          <Icon name="replan" />
          Re-plan
        </button>
      )}
      {plan.settled && plan.quadrants_done > 0 && (
        <button type="button" class="menu-item" data-act="revert-plan" onClick={() => setAsked("revert")}>
          <Icon name="undo" />
          Revert
        </button>
      )}
      <button type="button" class="menu-item" data-act="only-plan" onClick={() => narrow({ plan: plan.plan })}>
        <Icon name="filter" />
        Only its jobs
      </button>
      {(!plan.settled || plan.stuck) && <ExportLink plan={plan.plan} label="Export" />}
    </div>
  );
}

interface SureGiven {
  text: string;
  button: string;
  name: string;
  go: () => void;
  close: () => void;
}

function Sure({ text, button, name, go, close }: SureGiven) {
  const drawer = useRef<HTMLDivElement>(null);
  // On a small screen it would open below the edge.
  useEffect(() => drawer.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="drawer" data-sure={name} ref={drawer}>
      <p class="note">{text}</p>
      <div class="buttons">
        <button
          type="button"
          class="button danger"
          data-act={name}
          onClick={() => {
            go();
            close();
            opened.value = "";
          }}
        >
          {button}
        </button>
        <button type="button" class="quiet" onClick={close}>
          Not now
        </button>
      </div>
    </div>
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

/** Why its cap has paused it, and the way out: what it may cost in all from now on. */
function Capped({ plan, name }: { plan: Plan; name: string }) {
  const cap = plan.cost_cap ?? 0;
  const [text, setText] = useState("");
  const amount = Number(text);
  const go = (event: Event): void => {
    event.preventDefault();
    if (amount > cap) pausePlan(plan.plan, name, false, amount);
  };
  return (
    <form class="stuck" data-capped={plan.plan} onSubmit={go}>
      <p data-reason role="status">
        <Icon name="refused" />
        <span>{plan.reason.split("; ")[0]}.</span>
      </p>
      <div class="buttons">
        <label>
          It may cost in all <input class="field" type="number" min={0} step="any" value={text} placeholder={price(cap)} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button type="submit" class="button" data-act="raise-cap" disabled={!(amount > cap)}>
          <Icon name="play" />
          Go on
        </button>
      </div>
    </form>
  );
}

function left(plan: Plan): string {
  const paused = plan.paused && !plan.settled ? "paused" : "";
  const held = plan.held ? `${plan.held.toLocaleString("en")} held` : "";
  if (plan.failed) return [paused, `${count(plan.failed, "job")} failed`, held].filter(Boolean).join(", ");
  if (held) return [paused, `${count(plan.held, "step")} cannot go on`].filter(Boolean).join(", ");
  if (plan.settled) return plan.quadrants_done < plan.quadrants_total ? "called off" : "finished";
  if (plan.paused) return "paused";
  const rate = plan.rate_per_minute || (status.value?.per_minute ?? 0);
  return rate > 0 && plan.quadrants_done > 0 ? `${perMinute(rate)} a minute` : "not begun";
}

function right(plan: Plan): string {
  const spent = (plan.cost ?? 0) + plan.reserved;
  const cost = plan.cost_cap !== null ? `${price(spent)} of ${price(plan.cost_cap)}` : plan.cost ? price(plan.cost) : "";
  const begun = `${plan.quadrants_done ? "begun" : "asked for"} ${span(Math.max(1, now.value + clockAhead() - plan.created_at))} ago`;
  const time = plan.settled ? moment(plan.created_at) : plan.seconds_left && !plan.paused ? `${span(plan.seconds_left)} left` : begun;
  return [cost, time].filter(Boolean).join(", ");
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
      {isEntering(plan) && <rect class="part-entered" width={(1_000 * entered(plan)) / plan.jobs} height="6" />}
      {parts.map(([name, part]) => {
        const x = at;
        at += part * 1_000;
        return <rect key={name} class={`part-${name}`} x={x} width={Math.max(part > 0 ? 4 : 0, part * 1_000)} height="6" />;
      })}
    </svg>
  );
}
