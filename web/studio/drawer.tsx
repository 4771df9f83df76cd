/** What one job is and what can be done with it, under its row. */

import { useState } from "preact/hooks";
import { EditForm } from "./edit";
import { Icon } from "./icons";
import { isEditable, isMovable, isOpen, isOver, moveTo, moving, type Row } from "./picked";
import { cancelJob, retryJob } from "./steering";
import { plans } from "./state";
import { count, moment, planName, span } from "./words";
import { ERROR_CLASSES } from "./lists";

export function Drawer({ row }: { row: Row }) {
  const [editing, setEditing] = useState(false);
  const place = `job:${row.job}`;
  return (
    <div class="drawer" data-drawer={row.job}>
      <dl class="job-facts">
        {factsOf(row).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd data-fact={name.toLowerCase()}>{value}</dd>
          </div>
        ))}
      </dl>
      {editing ? (
        <EditForm jobs={[row.job]} place={place} before={row} close={() => setEditing(false)} />
      ) : (
        <div class="buttons">
          {isMovable(row) && (
            <>
              <button type="button" class="button" data-act="to-front" title="To the front of its lane (Alt Home)" onClick={() => moveTo([row.job], { to: "front" }, place)}>
                <Icon name="front" />
                Front
              </button>
              <button type="button" class="button" data-act="to-back" title="To the back of its lane (Alt End)" onClick={() => moveTo([row.job], { to: "back" }, place)}>
                <Icon name="back" />
                Back
              </button>
              <button type="button" class="button" data-act="look-for-place" title="Before another job (or drag it; Alt with an arrow moves by one)" onClick={() => (moving.value = [row.job])}>
                <Icon name="before" />
                Before…
              </button>
            </>
          )}
          {isEditable(row) && (
            <button type="button" class="button" data-act="edit" onClick={() => setEditing(true)}>
              <Icon name="edit" />
              Edit
            </button>
          )}
          {isOver(row) && (
            <button type="button" class="button" data-act="retry-job" onClick={() => retryJob(row.job)}>
              <Icon name="retry" />
              Retry
            </button>
          )}
          {isOpen(row) && (
            <button type="button" class="button" data-act="cancel-job" onClick={() => cancelJob(row.job)}>
              <Icon name="close" />
              Call off
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function factsOf(row: Row): [string, string][] {
  const plan = plans.value.find((one) => one.plan === row.plan);
  const facts: [string, string][] = [["Plan", plan ? planName(plan) : row.plan]];
  if (isMovable(row) && row.lane) {
    const lane = row.lane === "interactive" ? "interactive, ahead of plans" : "bulk";
    facts.push(["Lane", row.priority ? `${lane}, priority ${signed(row.priority)}` : lane]);
  }
  const tries = row.attempt ? `${row.attempt} of ${row.max_attempts ?? "?"}` : "";
  const deaths = row.deaths ? `${count(row.deaths, "worker")} died over it` : "";
  if (tries || deaths) facts.push(["Tries", [tries, deaths].filter(Boolean).join(", ")]);
  const known = ERROR_CLASSES.find(([name]) => name === row.error_class);
  if (row.error_class) facts.push(["Error", known ? `${known[1]} (${row.error_class})` : row.error_class]);
  if (row.worker) facts.push(["Worker", row.worker]);
  if (row.prompt) facts.push(["Prompt", row.prompt]);
  if (row.negative_prompt) facts.push(["Not wanted", row.negative_prompt]);
  if (row.created_at) facts.push(["Asked for", moment(row.created_at)]);
  if (row.started_at && row.finished_at) facts.push(["Took", span(row.finished_at - row.started_at)]);
  facts.push(["Job", String(row.job)]);
  return facts;
}

export const signed = (n: number): string => (n > 0 ? `+${n}` : `−${-n}`);
