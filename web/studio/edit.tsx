/** A small form that changes what waiting jobs ask for: words, model, priority, lane. */

import { useState } from "preact/hooks";
import type { Lane } from "./api";
import type { Edits } from "./orders";
import type { Row } from "./picked";
import { models } from "./state";
import { edit } from "./steering";
import { count } from "./words";

const LONGEST = 8_000;
const MOST_PRIORITY = 1_000;

interface Given {
  jobs: readonly number[];
  /** Where a refusal is said. */
  place: string;
  /** What the one job asks for now; without it several are changed, and what is left empty stays. */
  before?: Row;
  close: () => void;
}

export function EditForm({ jobs, place, before, close }: Given) {
  const [edits, setEdits] = useState<Edits>({});
  const [busy, setBusy] = useState(false);
  const put = (changes: Edits): void => setEdits({ ...edits, ...changes });
  const isOne = before !== undefined;
  const changed = Object.keys(edits).length > 0;
  const save = async (): Promise<void> => {
    setBusy(true);
    // "Stays" was chosen again: nothing is asked for.
    const given = Object.fromEntries(Object.entries(edits).filter(([name, value]) => value !== "" || name.endsWith("prompt")));
    const isDone = await edit(place, jobs, given);
    setBusy(false);
    if (isDone) close();
  };
  return (
    <form
      class="edit-form"
      data-edit={jobs.join()}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <label>
        <span>Prompt</span>
        <textarea
          rows={3}
          maxLength={LONGEST}
          data-field="edit-prompt"
          placeholder={isOne ? "The model's own words" : "Stays as it is"}
          value={edits.prompt ?? before?.prompt ?? ""}
          onInput={(event) => put({ prompt: event.currentTarget.value })}
        />
      </label>
      <label>
        <span>Not wanted</span>
        <textarea
          rows={2}
          maxLength={LONGEST}
          data-field="edit-negative-prompt"
          placeholder={isOne ? "Nothing" : "Stays as it is"}
          value={edits.negative_prompt ?? before?.negative_prompt ?? ""}
          onInput={(event) => put({ negative_prompt: event.currentTarget.value })}
        />
      </label>
      <div class="pair">
        <label>
          <span>Model</span>
          <select class="field" data-field="edit-model" value={edits.model_id ?? before?.model_id ?? ""} onChange={(event) => put({ model_id: event.currentTarget.value })}>
            {!isOne && <option value="">Stays</option>}
            {models.value.map((one) => (
              <option key={one.model_id} value={one.model_id} disabled={!one.available}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Priority, higher first</span>
          <input
            class="field"
            type="number"
            min={-MOST_PRIORITY}
            max={MOST_PRIORITY}
            step={1}
            data-field="edit-priority"
            placeholder={isOne ? "0" : "Stays"}
            value={edits.priority ?? before?.priority ?? ""}
            onInput={(event) => Number.isInteger(event.currentTarget.valueAsNumber) && put({ priority: event.currentTarget.valueAsNumber })}
          />
        </label>
      </div>
      <label>
        <span>Lane</span>
        <select class="field" data-field="edit-lane" value={edits.lane ?? before?.lane ?? ""} onChange={(event) => put({ lane: event.currentTarget.value as Lane })}>
          {!isOne && <option value="">Stays</option>}
          <option value="interactive">Interactive, ahead of plans</option>
          <option value="bulk">Bulk, behind interactive work</option>
        </select>
      </label>
      <div class="buttons">
        <button type="submit" class="button primary" data-act="save-edit" disabled={!changed || busy}>
          {isOne ? "Save" : `Change ${count(jobs.length, "job")}`}
        </button>
        <button type="button" class="quiet" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}
