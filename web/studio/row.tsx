/** One job in a list: picked, opened, dragged to another place, called off. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { Cell } from "./geometry";
import { Drawer } from "./drawer";
import { Icon } from "./icons";
import { dropAt, isMovable, isOpen, moveTo, moving, pick, picked, putBefore, step, together, type Row } from "./picked";
import { Reply } from "./replies";
import { cancelJob, retryJob } from "./steering";
import { title } from "./words";

export type Go = (place: { quadrants: readonly Cell[] }) => void;

interface Given {
  row: Row;
  go: Go;
  icon: preact.ComponentChildren;
  note: string;
  /** How the row looks, where the job's state alone does not tell. */
  look?: string;
  position?: number;
  /** What stands at its right: an age, a time left. */
  side?: string;
  /** The rows among which it can be moved. */
  among?: readonly Row[];
}

/** The job whose drawer is open; one at a time. */
export const opened = signal(0);
/** The job that keeps the keyboard while the list is put in order around it. */
let carried = 0;

export function JobRow({ row, go, icon, note, look = row.state, position = 0, side = "", among }: Given) {
  const { job } = row;
  const isTarget = dropAt.value === job;
  return (
    <li
      class={`job ${isTarget ? "drop-here" : ""}`}
      data-job={job}
      data-state={look}
      data-kind={row.kind}
      data-model-id={row.model_id}
      onKeyDown={(event) => among && carry(event, row, among)}
      {...(among ? drag(row, among) : {})}
    >
      <div class={`row row-${look}`}>
        <Pick row={row} icon={icon} />
        <button type="button" class="row-text" onClick={() => go(row)} title="Show on the map">
          <span class="row-title">
            {position > 0 && <span class="place-number">{position.toLocaleString("en")}</span>}
            {title(row)}
          </span>
          <span class="row-note">{note}</span>
        </button>
        {side && <span class="age">{side}</span>}
        <Acts row={row} look={look} />
      </div>
      <Reply at={`job:${job}`} />
      {opened.value === job && <Drawer row={row} />}
    </li>
  );
}

function Acts({ row, look }: { row: Row; look: string }) {
  const { job } = row;
  const isLookingForPlace = moving.value.length > 0 && isMovable(row);
  if (isLookingForPlace) {
    return (
      <button type="button" class="button" data-act="before-this" disabled={moving.value.includes(job)} onClick={() => putBefore(moving.value, job, "picked")}>
        Before this
      </button>
    );
  }
  return (
    <>
      {look === "error" && (
        <button type="button" class="button" data-act="retry" onClick={() => retryJob(job)}>
          <Icon name="retry" />
          Retry
        </button>
      )}
      <button
        type="button"
        class="quiet square row-act"
        aria-label={`More for job ${job}`}
        aria-expanded={opened.value === job}
        title="More"
        data-act="open-job"
        onClick={() => (opened.value = opened.value === job ? 0 : job)}
      >
        <Icon name="more" />
      </button>
      {isOpen(row) && (
        <button type="button" class="quiet square row-act" aria-label={`Call off job ${job}`} title="Call off" data-act="cancel" onClick={() => cancelJob(job)}>
          <Icon name="close" />
        </button>
      )}
    </>
  );
}

/** The row's sign, which is a box to tick under the pointer, with the keyboard and once something is picked. */
function Pick({ row, icon }: { row: Row; icon: preact.ComponentChildren }) {
  const isPicked = picked.value.has(row.job);
  return (
    <label class={`pick ${picked.value.size ? "picking" : ""}`} title="Pick; with Shift all between">
      <input
        type="checkbox"
        checked={isPicked}
        data-pick={row.job}
        aria-label={`Pick job ${row.job}, ${title(row)}`}
        onClick={(event) => {
          rows.set(row.job, row);
          if (event.shiftKey && last) pickBetween(event.currentTarget, last, event.currentTarget.checked);
          else pick([row], event.currentTarget.checked);
          last = row.job;
        }}
      />
      <span class="box" aria-hidden="true">
        {isPicked && <Icon name="check" size={12} />}
      </span>
      {icon}
      <Known row={row} />
    </label>
  );
}

/** The rows in sight by job, so that a range can be picked over several lists. */
const rows = new Map<number, Row>();
let last = 0;

function Known({ row }: { row: Row }) {
  useEffect(() => {
    rows.set(row.job, row);
    return () => void rows.delete(row.job);
  }, [row]);
  return null;
}

function pickBetween(box: HTMLElement, from: number, on: boolean): void {
  const all = [...box.closest(".queue")!.querySelectorAll<HTMLElement>("[data-pick]")].map((one) => Number(one.dataset["pick"]));
  const [a, b] = [all.indexOf(from), all.indexOf(Number(box.dataset["pick"]))];
  if (a < 0) return;
  const between = all.slice(Math.min(a, b), Math.max(a, b) + 1);
  pick(
    between.flatMap((job) => rows.get(job) ?? []),
    on,
  );
}

/** Alt with an arrow moves the job by one place, with Home and End to the front and back. */
function carry(event: KeyboardEvent, row: Row, among: readonly Row[]): void {
  if (!event.altKey) return;
  const place = `job:${row.job}`;
  if (event.key === "ArrowUp") step(among, row.job, -1);
  else if (event.key === "ArrowDown") step(among, row.job, 1);
  else if (event.key === "Home") moveTo([row.job], { to: "front" }, place);
  else if (event.key === "End") moveTo([row.job], { to: "back" }, place);
  else return;
  event.preventDefault();
  carried = row.job;
}

/** Give the keyboard back to the job that was carried, once the list stands in its new order. */
export function useCarried(order: string): void {
  useEffect(() => {
    if (!carried || document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>(`.queue [data-job="${carried}"] .row-text`)?.focus();
    carried = 0;
  }, [order]);
}

function drag(row: Row, among: readonly Row[]): preact.HTMLAttributes<HTMLLIElement> & { draggable: boolean } {
  return {
    draggable: true,
    onDragStart: (event) => {
      event.dataTransfer!.effectAllowed = "move";
      event.dataTransfer!.setData("text/plain", title(row));
      held = together(row.job);
    },
    onDragOver: (event) => {
      if (held.length === 0) return;
      event.preventDefault();
      const box = event.currentTarget.getBoundingClientRect();
      const isUpper = event.clientY < box.top + box.height / 2;
      const next = among[among.findIndex((one) => one.job === row.job) + 1];
      dropAt.value = isUpper ? row.job : (next?.job ?? 0);
    },
    onDrop: (event) => {
      event.preventDefault();
      const before = dropAt.value;
      if (before) putBefore(held, before, `job:${held[0]}`);
      else if (before === 0) moveTo(held, { to: "back" }, `job:${held[0]}`);
    },
    onDragEnd: () => {
      held = [];
      dropAt.value = null;
    },
  };
}

let held: number[] = [];

/** A box that picks or drops all rows of a section. */
export function PickAll({ of, label }: { of: readonly Row[]; label: string }) {
  const [id] = useState(() => `pick-${++boxes}`);
  const all = of.length > 0 && of.every((row) => picked.value.has(row.job));
  return (
    <label class="pick pick-all" for={id} title={`Pick all shown of ${label}`}>
      <input id={id} type="checkbox" checked={all} aria-label={`Pick all shown of ${label}`} data-pick-all={label} onChange={(event) => pick(of, event.currentTarget.checked)} />
      <span class="box" aria-hidden="true">
        {all && <Icon name="check" size={12} />}
      </span>
    </label>
  );
}

let boxes = 0;
