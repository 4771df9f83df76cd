/** What a plan leaves out and why: the first few, each a way to its place on the map. */

import { useState } from "preact/hooks";
import type { Planned } from "./api";
import { blueprint, type Gap } from "./blueprint";
import type { Cell } from "./geometry";
import { explained } from "./state";
import { count, named } from "./words";

const FIRST = 4;
const MORE = 40;

export function LeftOut({ plan, go }: { plan: Planned; go: (place: { quadrants: readonly Cell[] }) => void }) {
  const [shown, setShown] = useState(FIRST);
  if (plan.left_out_count === 0) return null;
  const gaps = blueprint.value?.gaps ?? [];
  const visible = gaps.slice(0, shown);
  const rest = plan.left_out_count - visible.reduce((sum, gap) => sum + gap.cells.length, 0);
  return (
    <section class="facts left-out" data-left-out-count={plan.left_out_count}>
      <h3>
        Left out <span class="tally">{count(plan.left_out_count, "quadrant")}</span>
      </h3>
      <ul>
        {visible.map((gap) => (
          <li key={gap.cells[0]!.join()}>
            <Row gap={gap} go={go} />
          </li>
        ))}
      </ul>
      {rest > 0 &&
        (gaps.length > visible.length ? (
          <button type="button" class="link" data-act="more-left-out" onClick={() => setShown(shown + MORE)}>
            and {rest.toLocaleString("en")} more
          </button>
        ) : (
          <p class="note">and {rest.toLocaleString("en")} more</p>
        ))}
    </section>
  );
}

function Row({ gap, go }: { gap: Gap; go: (place: { quadrants: readonly Cell[] }) => void }) {
  const first = gap.cells[0]!;
  const say = (): void => void (explained.value = first);
  return (
    <button
      type="button"
      class="gap"
      title="Show on the map"
      data-gap={first.join()}
      onFocus={say}
      // A finger does not hover: what it asked for stays until it asks for something else.
      onPointerEnter={(event) => event.pointerType === "mouse" && say()}
      onPointerLeave={(event) => event.pointerType === "mouse" && (explained.value = null)}
      onBlur={() => (explained.value = null)}
      onClick={() => {
        go({ quadrants: [first] });
        say();
      }}
    >
      <span class="swatch swatch-left-out" aria-hidden="true" />
      <span>
        <span class="row-title">{named(gap.cells)}</span>
        <span class="row-note">{gap.reason}</span>
      </span>
    </button>
  );
}
