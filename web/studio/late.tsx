/** Results that came too late: paid for and kept, until somebody adopts or deletes them. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { tell } from "./actions";
import { Refused, type Orphan } from "./api";
import { Icon } from "./icons";
import { getOrphans, orphanPicture, postOrphan } from "./orders";
import { holding } from "./peek";
import { reload } from "./refresh";
import { Reply } from "./replies";
import type { Go } from "./row";
import { late, nameOfModel, plans, status } from "./state";
import { order } from "./steering";
import { bounding, type Cell } from "./geometry";
import { count, moment, planName, seconds, sentence, sizeOf } from "./words";

/** Whether the panel shows them instead of the queue. */
export const lateShown = signal(false);
const list = signal<Orphan[] | null>(null);
const cursor = signal(0);
const problem = signal("");

/** One quiet line in the queue, while there are any. */
export function LateLine() {
  if (late.value === 0) return null;
  return (
    <button type="button" class="late-line" data-late={late.value} onClick={() => (lateShown.value = true)}>
      <Icon name="late" />
      <span>{count(late.value, "late result")}</span>
      <Icon name="chevron" size={14} className="aside" />
    </button>
  );
}

async function load(from: number): Promise<void> {
  try {
    const page = await getOrphans(from);
    list.value = from ? [...(list.value ?? []), ...page.orphans] : page.orphans;
    cursor.value = page.cursor;
    problem.value = "";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    problem.value = error.message;
  }
}

export function LateResults({ go }: { go: Go }) {
  useEffect(() => {
    // Further pages stay as they are; the first follows the figures.
    if (!list.value || list.value.length <= 100) void load(0);
  }, [status.value]);
  const all = list.value;
  return (
    <div class="late" data-late-results={all?.length ?? ""}>
      <div class="panel-title">
        <h2>Late results</h2>
        <button type="button" class="quiet square" aria-label="Back to the queue" data-act="close-late" onClick={() => (lateShown.value = false)}>
          <Icon name="close" />
        </button>
      </div>
      <p class="note padded">They came after their job was given to another worker or called off. They were paid for, so they are kept until you decide.</p>
      {problem.value && <p class="say say-refused">{problem.value}</p>}
      {all?.length === 0 && <p class="note padded">None is left.</p>}
      <ul>
        {all?.map((one) => (
          <li key={one.orphan}>
            <Result of={one} go={go} />
          </li>
        ))}
      </ul>
      {cursor.value > 0 && (
        <button type="button" class="link more" onClick={() => void load(cursor.value)}>
          Show more
        </button>
      )}
    </div>
  );
}

function Result({ of: one, go }: { of: Orphan; go: Go }) {
  const shown = one.tiles.filter((tile) => tile.layer !== "object" && tile.layer !== "depth");
  const cells = shown.map(({ x, y }): Cell => [x, y]);
  const rect = bounding(cells);
  const place = `late:${one.orphan}`;
  const [asked, setAsked] = useState(false);
  const pictures = shown.map((tile) => ({ x: tile.x, y: tile.y, address: orphanPicture(one.orphan, tile) }));
  const act = (name: "adopt" | "delete"): void =>
    void order(
      place,
      () => postOrphan(one.orphan, name),
      () => {
        list.value = (list.value ?? []).filter((other) => other.orphan !== one.orphan);
        tell(name === "adopt" ? "Adopted: it stands on the map." : "Deleted.");
        if (name === "adopt") void reload();
      },
    );
  return (
    <article class="late-result" data-orphan={one.orphan} data-adoptable={one.adoptable}>
      <button type="button" class="late-pictures" title="Show on the map" onClick={() => go({ quadrants: cells })} style={{ gridTemplateColumns: `repeat(${rect ? rect[2] - rect[0] + 1 : 1}, 1fr)` }}>
        {[...shown]
          .sort((a, b) => a.y - b.y || a.x - b.x)
          .map((tile) => (
            <img key={`${tile.x},${tile.y}`} src={orphanPicture(one.orphan, tile)} alt={`${tile.layer} ${tile.x},${tile.y}`} loading="lazy" />
          ))}
      </button>
      <div class="late-text">
        <h3>{rect ? `${rect[0]},${rect[1]}${sizeOf(rect) === "1 × 1" ? "" : `, ${sizeOf(rect)}`}` : "No picture"}</h3>
        <p>
          {[one.model_id ? nameOfModel(one.model_id) : "render", one.seconds ? seconds(one.seconds) : ""].filter(Boolean).join(", ")}
          <br />
          {planOf(one)}, came {moment(one.received_at)}
        </p>
      </div>
      {!one.adoptable && (
        <p class="late-why" data-reason>
          <strong>It cannot be put on the map now.</strong> {one.reason ? sentence(one.reason) : ""} You can look at it where it would stand, and keep or delete it.
        </p>
      )}
      {asked ? (
        <div data-sure="delete-late">
          <p class="note">Deleted, it is gone for good, though it was paid for.</p>
          <div class="buttons">
            <button type="button" class="button danger" data-act="sure-delete-late" onClick={() => act("delete")}>
              <Icon name="bin" />
              Delete it
            </button>
            <button type="button" class="quiet" onClick={() => setAsked(false)}>
              Keep it
            </button>
          </div>
        </div>
      ) : (
        <div class="buttons">
          {one.adoptable && (
            <button type="button" class="button" data-act="adopt" onClick={() => act("adopt")}>
              <Icon name="check" />
              Adopt
            </button>
          )}
          {pictures.length > 0 && (
            <button type="button" class="button hold" data-act="hold-late" {...holding({ name: `late result ${one.orphan}`, pictures })}>
              <Icon name="compare" />
              Hold to look
            </button>
          )}
          <button type="button" class="quiet" data-act="delete-late" onClick={() => setAsked(true)}>
            <Icon name="bin" />
            Delete
          </button>
        </div>
      )}
      <Reply at={place} />
    </article>
  );
}

function planOf(one: Orphan): string {
  const plan = plans.value.find((other) => other.plan === one.plan);
  return plan ? planName(plan) : `job ${one.job}`;
}
