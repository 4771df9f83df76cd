/** The pending queue as a file: taken away, and brought back by button or by dropping it on the panel. */

import { signal } from "@preact/signals";
import { Refused } from "./api";
import { Icon } from "./icons";
import { exportAddress, postImport, type PlanText } from "./orders";
import { figuresSoon, reload } from "./refresh";
import { insist } from "./replies";
import { count } from "./words";

const LARGEST_BYTES = 256 * 1024 * 1024;
const PLACE = "import";

interface Outcome {
  /** What is being done, while it is. */
  doing: string;
  taken: number;
  jobs: number;
  known: number;
  refused: { plan: string; reason: string }[];
  /** Why the file as a whole came to nothing. */
  problem: string;
}

const outcome = signal<Outcome | null>(null);
/** Whether a file is held over the panel. */
const over = signal(false);

export function ExportLink({ plan, label, close }: { plan?: string; label: string; close?: () => void }) {
  return (
    <a class="menu-item" href={exportAddress(plan)} download={plan ? `plan-${plan.replace(/[^A-Za-z0-9._-]+/g, "-")}.json` : "queue.json"} data-act="export" onClick={close}>
      <Icon name="download" />
      {label}
    </a>
  );
}

export function ImportButton({ close }: { close: () => void }) {
  return (
    <label class="menu-item">
      <Icon name="upload" />
      Import a file
      <input
        class="visually-hidden"
        type="file"
        accept="application/json,.json"
        data-field="import"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) void bring(file);
          close();
        }}
      />
    </label>
  );
}

/** The plans in a file; raises a sentence where it holds none. */
async function read(file: File): Promise<PlanText[]> {
  if (file.size > LARGEST_BYTES) throw new Error(`${file.name} is larger than 256 MiB. Nothing was taken.`);
  let content: unknown;
  try {
    content = JSON.parse(await file.text());
  } catch {
    throw new Error(`${file.name} is not JSON. Nothing was taken.`);
  }
  const plans = (content as { plans?: unknown } | null)?.plans;
  if (!Array.isArray(plans)) throw new Error(`${file.name} has no “plans”. Nothing was taken; a queue is exported as {"plans": […]}.`);
  return plans as PlanText[];
}

/** Publish the plans of a file one by one: what is refused keeps none of the others from it. */
export async function bring(file: File): Promise<void> {
  const result: Outcome = { doing: `Reading ${file.name}.`, taken: 0, jobs: 0, known: 0, refused: [], problem: "" };
  const show = (changes: Partial<Outcome>): void => {
    Object.assign(result, changes);
    outcome.value = { ...result };
  };
  show({});
  try {
    const plans = await read(file);
    for (const [i, plan] of plans.entries()) {
      const name = nameOf(plan, i);
      const doing = `Taking plan ${i + 1} of ${plans.length}.`;
      show({ doing });
      try {
        const answer = await insist(PLACE, () => postImport(plan), (word) => show({ doing: `${name}: ${word.title}` }));
        if (answer === null) return;
        for (const one of answer.plans) {
          if (one.duplicate) result.known += 1;
          else {
            result.taken += 1;
            result.jobs += one.jobs;
          }
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.code === "UNREACHABLE") throw new Error(`${error.message} ${plans.length - i} plans of the file were not asked for.`);
        result.refused.push({ plan: name, reason: error.message });
      }
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    result.problem = error.message;
  }
  show({ doing: "" });
  figuresSoon(50);
  void reload();
}

function nameOf(plan: PlanText, i: number): string {
  if (!plan || typeof plan !== "object") return `Plan ${i + 1}`;
  return [plan["name"], plan["id"]].find((one): one is string => typeof one === "string" && one !== "") ?? `Plan ${i + 1}`;
}

export function ImportOutcome() {
  const shown = outcome.value;
  if (!shown) return null;
  const { doing, taken, jobs, known, refused, problem } = shown;
  const parts = [
    taken || (!known && !refused.length && !problem) ? `${count(taken, "plan")} taken, with ${count(jobs, "job")}.` : "",
    known ? `${count(known, "plan")} ${known === 1 ? "was" : "were"} there already.` : "",
    refused.length ? `${count(refused.length, "plan")} refused.` : "",
  ];
  return (
    <section class="import" aria-label="Import" data-import={doing ? "doing" : "done"}>
      <div class={`say say-${problem || refused.length ? "refused" : "done"}`} role="status">
        <Icon name={doing ? "spinner" : problem || refused.length ? "refused" : "check"} className={doing ? "spin" : ""} />
        <p>
          <strong>{doing || problem || parts.filter(Boolean).join(" ")}</strong>
        </p>
        {!doing && (
          <button type="button" class="link" data-act="close-import" onClick={() => (outcome.value = null)}>
            Close
          </button>
        )}
      </div>
      {refused.length > 0 && (
        <ul class="refused-plans">
          {refused.slice(0, 20).map((one) => (
            <li key={one.plan}>
              <strong>{one.plan}</strong> {one.reason}
            </li>
          ))}
          {refused.length > 20 && <li class="dim">and {refused.length - 20} more</li>}
        </ul>
      )}
    </section>
  );
}

const holdsFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

/** What makes the panel a place to drop a file on. */
export const dropZone = {
  onDragOver: (event: DragEvent): void => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    over.value = true;
  },
  onDragLeave: (event: DragEvent): void => {
    if (!(event.currentTarget as Element).contains(event.relatedTarget as Node | null)) over.value = false;
  },
  onDrop: (event: DragEvent): void => {
    over.value = false;
    if (!holdsFile(event)) return;
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) void bring(file);
  },
};

export function DropHint() {
  return over.value ? <p class="drop-hint">Drop a queue file here: its plans are added.</p> : null;
}
