/** What can be done with the picked jobs at once, at the foot of the panel. */

import { useState } from "preact/hooks";
import { EditForm } from "./edit";
import { Icon } from "./icons";
import { dropAll, editable, movable, moveTo, moving, open, over, picked } from "./picked";
import { Reply } from "./replies";
import { changeEach } from "./steering";
import { count } from "./words";

const PLACE = "picked";

export function PickBar() {
  const [editing, setEditing] = useState(false);
  const places = moving.value.length;
  if (places > 0) return <Finding jobs={places} />;
  const size = picked.value.size;
  if (size === 0) return <Reply at={PLACE} />;
  const jobs = movable.value;
  const generations = editable.value;
  return (
    <section class="pick-bar" aria-label="Picked jobs" data-picked={size}>
      <div class="pick-head">
        <strong>{count(size, "job")} picked</strong>
        <button type="button" class="quiet square" aria-label="Let go of all" data-act="drop-all" onClick={dropAll}>
          <Icon name="close" />
        </button>
      </div>
      <Reply at={PLACE} />
      {editing ? (
        <EditForm jobs={generations} place={PLACE} close={() => setEditing(false)} />
      ) : (
        <div class="buttons">
          {jobs.length > 0 && (
            <>
              <button type="button" class="button" data-act="picked-front" onClick={() => moveTo(jobs, { to: "front" }, PLACE)}>
                <Icon name="front" />
                Front
              </button>
              <button type="button" class="button" data-act="picked-back" onClick={() => moveTo(jobs, { to: "back" }, PLACE)}>
                <Icon name="back" />
                Back
              </button>
              <button type="button" class="button" data-act="picked-before" onClick={() => (moving.value = jobs)}>
                <Icon name="before" />
                Before…
              </button>
            </>
          )}
          {generations.length > 0 && (
            <button type="button" class="button" data-act="picked-edit" onClick={() => setEditing(true)}>
              <Icon name="edit" />
              Edit
            </button>
          )}
          {over.value.length > 0 && (
            <button type="button" class="button" data-act="picked-retry" onClick={() => void changeEach(PLACE, over.value, "retry")}>
              <Icon name="retry" />
              Retry {over.value.length}
            </button>
          )}
          {open.value.length > 0 && (
            <button type="button" class="button" data-act="picked-cancel" onClick={() => void changeEach(PLACE, open.value, "cancel")}>
              <Icon name="close" />
              Call off {open.value.length}
            </button>
          )}
        </div>
      )}
    </section>
  );
}

/** A place is being looked for: each waiting row is one. */
function Finding({ jobs }: { jobs: number }) {
  return (
    <section class="pick-bar" aria-label="Place in the line" data-finding={jobs}>
      <div class="pick-head">
        <strong>{count(jobs, "job")} to be moved.</strong>
        <button type="button" class="quiet" data-act="stop-moving" onClick={() => (moving.value = [])}>
          Leave in place
        </button>
      </div>
      <p class="note">Choose the waiting job that {jobs === 1 ? "it stands" : "they stand"} before.</p>
    </section>
  );
}
