/** The search field and the choices that narrow the lists, and the acts on all that is left. */

import { useEffect, useRef, useState } from "preact/hooks";
import { filter, isFiltered, narrow, showAll, STANDINGS, target, type Standing } from "./filter";
import { Icon } from "./icons";
import { ERROR_CLASSES } from "./lists";
import { Reply } from "./replies";
import { cancelWhere, howMany, retryWhere } from "./steering";
import { models, nameOfModel, plans, status } from "./state";
import { count, planName } from "./words";

const TYPING_MS = 250;
const PLACE = "filter";

export function FilterBar() {
  const [open, setOpen] = useState(isFiltered.value);
  const { state, kind, model, plan, error } = filter.value;
  const chosen = [state, kind, model, plan, error].filter(Boolean).length;
  return (
    <div class="filter">
      <div class="filter-row">
        <Search />
        <button type="button" class="quiet" aria-expanded={open} aria-label="Choose which jobs are shown" data-act="open-filter" onClick={() => setOpen(!open)}>
          <Icon name="filter" />
          {chosen > 0 ? chosen : ""}
        </button>
      </div>
      {open && <Choices />}
      {isFiltered.value && <Acts />}
      <Reply at={PLACE} />
    </div>
  );
}

function Search() {
  const timer = useRef(0);
  return (
    <label class="search">
      <span class="visually-hidden">Search prompts and reasons</span>
      <Icon name="search" />
      <input
        class="field"
        type="search"
        maxLength={300}
        placeholder="Prompt or reason"
        data-field="search"
        value={filter.value.text}
        onInput={(event) => {
          const text = event.currentTarget.value;
          clearTimeout(timer.current);
          timer.current = window.setTimeout(() => narrow({ text }), TYPING_MS);
        }}
      />
    </label>
  );
}

function Choices() {
  const { state, kind, model, plan, error } = filter.value;
  const isKnown = plans.value.some((one) => one.plan === plan);
  return (
    <div class="choices">
      <Choice name="state" label="State" value={state} all="Any state" options={STANDINGS} choose={(value) => narrow({ state: value as Standing | "" })} />
      <Choice
        name="kind"
        label="Kind"
        value={kind}
        all="Any kind"
        options={[
          ["generate", "Generations"],
          ["render", "Renders"],
        ]}
        choose={(value) => narrow({ kind: value })}
      />
      <Choice name="model" label="Model" value={model} all="Any model" options={models.value.map((one) => [one.model_id, one.name])} choose={(value) => narrow({ model: value })} />
      <Choice name="error" label="Error" value={error} all="Any error" options={ERROR_CLASSES} choose={(value) => narrow({ error: value })} />
      <Choice
        name="plan"
        label="Plan"
        value={plan}
        all="Any plan"
        options={[...plans.value.map((one): [string, string] => [one.plan, planName(one)]), ...(plan && !isKnown ? [[plan, plan] as [string, string]] : [])]}
        choose={(value) => narrow({ plan: value })}
      />
    </div>
  );
}

interface ChoiceGiven {
  name: string;
  label: string;
  value: string;
  all: string;
  options: readonly (readonly [string, string])[];
  choose: (value: string) => void;
}

function Choice({ name, label, value, all, options, choose }: ChoiceGiven) {
  return (
    <label class={`choice choice-${name}`}>
      <span class="visually-hidden">{label}</span>
      <select class="field" value={value} data-field={`filter-${name}`} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{all}</option>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

type Act = "cancel" | "retry";
type Counted = Record<Act, { n: number; atLeast: boolean }>;

const NONE = { n: 0, atLeast: false };

/** How many jobs are meant, said before anything is done to them. */
function Acts() {
  const [counted, setCounted] = useState<Counted>({ cancel: NONE, retry: NONE });
  const [asked, setAsked] = useState<Act | null>(null);
  useEffect(() => {
    let isOld = false;
    const look = (act: Act): Promise<Counted[Act]> | Counted[Act] => {
      const wanted = target(act);
      return wanted ? howMany(wanted.query) : NONE;
    };
    void Promise.all([look("cancel"), look("retry")]).then(([cancel, retry]) => {
      if (!isOld) setCounted({ cancel, retry });
    });
    return () => {
      isOld = true;
    };
  }, [filter.value, status.value]);
  useEffect(() => setAsked(null), [filter.value]);
  const { cancel, retry } = counted;
  return (
    <div class="filter-acts" data-cancel-count={cancel.n} data-retry-count={retry.n}>
      <p class="shown-only" data-shown>
        {described()}
      </p>
      {asked ? (
        <Sure act={asked} {...counted[asked]} close={() => setAsked(null)} />
      ) : (
        <div class="buttons">
          {retry.n > 0 && (
            <button type="button" class="button" data-act="retry-these" onClick={() => setAsked("retry")}>
              <Icon name="retry" />
              Retry these {figure(retry)}
            </button>
          )}
          {cancel.n > 0 && (
            <button type="button" class="button" data-act="cancel-these" onClick={() => setAsked("cancel")}>
              <Icon name="close" />
              Call off these {figure(cancel)}
            </button>
          )}
          <button type="button" class="quiet" data-act="show-all" onClick={showAll}>
            Show all
          </button>
        </div>
      )}
    </div>
  );
}

const figure = ({ n, atLeast }: Counted[Act]): string => `${n.toLocaleString("en")}${atLeast ? " or more" : ""}`;

function Sure({ act, n, atLeast, close }: Counted[Act] & { act: Act; close: () => void }) {
  const jobs = `${atLeast ? "at least " : ""}${count(n, act === "retry" ? "failed job" : "job")}`;
  const go = (): void => {
    const where = target(act)?.where;
    if (where) (act === "cancel" ? cancelWhere : retryWhere)(PLACE, where);
    close();
  };
  return (
    <>
      <p class="note">
        {act === "cancel" ? `This calls off ${jobs}, also those being made. What is finished stays.` : `This puts ${jobs} back into the line, what others need first.`}
      </p>
      <div class="buttons">
        <button type="button" class={`button ${act === "cancel" ? "danger" : "primary"}`} data-act={`sure-${act}`} onClick={go}>
          {act === "cancel" ? "Call off" : "Retry"} {count(n, "job")}
        </button>
        <button type="button" class="quiet" onClick={close}>
          {act === "cancel" ? "Keep them" : "Not now"}
        </button>
      </div>
    </>
  );
}

/** Failed generations of Chunky in “South shore”, passing faults, with “dusk”. */
function described(): string {
  const { state, kind, model, plan, error, text } = filter.value;
  const known = plans.value.find((one) => one.plan === plan);
  const what = kind === "generate" ? "generations" : kind === "render" ? "renders" : "jobs";
  const standing = STANDINGS.find(([one]) => one === state)?.[1];
  const parts = [
    `Only ${what}${model ? ` of ${nameOfModel(model)}` : ""}${plan ? ` in “${known ? planName(known) : plan}”` : ""}`,
    standing ? standing.toLowerCase() : "",
    error ? `error: ${(ERROR_CLASSES.find(([one]) => one === error)?.[1] ?? error).toLowerCase()}` : "",
    text ? `with “${text}”` : "",
  ];
  return `${parts.filter(Boolean).join(", ")}.`;
}
