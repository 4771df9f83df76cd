/** The queue: how much there is, models, plans, what failed, what is being made, what waits. */

import { useEffect } from "preact/hooks";
import type { Plan } from "./api";
import { CompareLine, ComparePanel, compareShown } from "./compare";
import { filter, filterQuery, isFiltered, shows } from "./filter";
import { FilterBar } from "./filterbar";
import { Headline } from "./headline";
import { Icon } from "./icons";
import { LateLine, LateResults, lateShown } from "./late";
import { cancelledJobs, failedJobs, finishedJobs, heldJobs, narrowFailures, refreshFailures, takeFailures, waitingJobs } from "./lists";
import { takePicked } from "./picked";
import { DraftCard, PlanCard } from "./plans";
import { Rates } from "./rates";
import { onEvents } from "./refresh";
import type { Go } from "./row";
import { EndedRows, FailedRows, HeldRows, WaitingRows, WorkingRows } from "./rows";
import { failed, held, loaded, plans, status, waiting, working } from "./state";
import { DropHint, dropZone, ImportOutcome } from "./transfer";

/** Plans of a single click are jobs in the lists; a card is for what takes a while. */
const CARD_FROM = 5;
const LISTS = [heldJobs, waitingJobs, finishedJobs, cancelledJobs];

export function Queue({ go }: { go: Go }) {
  useEffect(() => {
    narrowFailures(filterQuery.value);
    for (const list of LISTS) list.narrow(filterQuery.value);
  }, [filter.value]);
  useEffect(() => {
    void refreshFailures();
    void heldJobs.refresh();
    void waitingJobs.refresh();
    if (filter.value.state === "finished") void finishedJobs.refresh();
    if (filter.value.state === "cancelled") void cancelledJobs.refresh();
  }, [filter.value, status.value]);
  useEffect(
    () =>
      onEvents((events) => {
        takeFailures(events);
        takePicked(events);
        for (const list of LISTS) list.take(events);
      }),
    [],
  );
  if (compareShown.value) return <ComparePanel go={go} />;
  if (lateShown.value) return <LateResults go={go} />;
  return (
    <div class="queue" {...dropZone}>
      <DropHint />
      <Headline />
      <ImportOutcome />
      <LateLine />
      <CompareLine />
      <Contents go={go} />
    </div>
  );
}

function Contents({ go }: { go: Go }) {
  const { plan: only } = filter.value;
  const cards = plans.value.filter((plan) => (only ? plan.plan === only : plan.quadrants_total >= CARD_FROM || plan.held > 0 || plan.paused));
  const open = cards.filter((plan) => !plan.settled || plan.stuck).sort((a, b) => Number(b.stuck) - Number(a.stuck));
  const drafts = only ? [] : (status.value?.drafts ?? []);
  const done = cards.filter((plan) => !open.includes(plan));
  const nothing = loaded.value && working.value + waiting.value + failed.value + held.value + cards.length + drafts.length === 0;
  // Who looks for certain jobs wants to see these before all plans.
  const hasPlans = !isFiltered.value || only !== "";
  return (
    <>
      <Rates />
      {nothing && !isFiltered.value ? <NoJobs /> : <FilterBar />}
      {hasPlans && drafts.map((draft) => <DraftCard key={draft.plan} draft={draft} />)}
      {hasPlans && open.map((plan) => <PlanCard key={plan.plan} plan={plan} />)}
      <FailedRows go={go} />
      <HeldRows go={go} />
      <WorkingRows go={go} />
      <WaitingRows go={go} />
      <EndedRows go={go} />
      {isFiltered.value && <NoneShown />}
      {hasPlans && done.length > 0 && <DonePlans plans={done} isOpen={only !== ""} />}
    </>
  );
}

function NoJobs() {
  return (
    <div class="no-jobs">
      <Icon name="fill" size={28} />
      <h3>No jobs yet</h3>
      <p>Plans you start appear here, with their progress and time left.</p>
    </div>
  );
}

function NoneShown() {
  const found =
    (shows("failed") ? failedJobs.total.value : 0) +
    (shows("held") ? heldJobs.total.value : 0) +
    (shows("waiting") ? waitingJobs.total.value : 0) +
    (shows("working") ? working.value : 0) +
    (filter.value.state === "finished" ? finishedJobs.total.value : 0) +
    (filter.value.state === "cancelled" ? cancelledJobs.total.value : 0);
  return found === 0 ? <p class="note padded">No job is like that.</p> : null;
}

function DonePlans({ plans: done, isOpen }: { plans: Plan[]; isOpen: boolean }) {
  return (
    <details class="done-plans" open={isOpen}>
      <summary>
        <Icon name="chevron" size={14} />
        Finished plans <span class="tally">{done.length}</span>
      </summary>
      {done.map((plan) => (
        <PlanCard key={plan.plan} plan={plan} />
      ))}
    </details>
  );
}
