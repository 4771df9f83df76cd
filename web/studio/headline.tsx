/** How much there is to do, and what can be done with all of it. */

import { useState } from "preact/hooks";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Reply } from "./replies";
import { clearQueue, pause, retryWhere } from "./steering";
import { failed, held, link, paused, plans, status, waiting, working } from "./state";
import { ExportLink, ImportButton } from "./transfer";
import { count, span } from "./words";

export function Headline() {
  return (
    <>
      <div class="headline">
        <div>
          <h2 data-headline>{headline()}</h2>
          <p class="sub">{subline()}</p>
        </div>
        <button type="button" class="button" data-act={paused.value ? "resume" : "pause"} onClick={() => pause(!paused.value)}>
          <Icon name={paused.value ? "play" : "pause"} />
          {paused.value ? "Resume" : "Pause"}
        </button>
        <Popover name="queue-more" label="More for the queue" align="end" button={<Icon name="more" />}>
          {(close) => <QueueMenu close={close} />}
        </Popover>
      </div>
      <Reply at="queue" />
    </>
  );
}

function headline(): string {
  if (!status.value) return link.value.state === "lost" ? "No answer yet" : "Asking the server";
  const wait = `${waiting.value.toLocaleString("en")} waiting`;
  if (paused.value && working.value === 0) return `Paused, ${wait}`;
  return `${working.value} working, ${wait}`;
}

function subline(): string {
  const parts: string[] = [];
  if (paused.value && working.value > 0) parts.push("Paused after these.");
  if (failed.value) parts.push(`${failed.value.toLocaleString("en")} failed.`);
  if (held.value) parts.push(`${held.value.toLocaleString("en")} cannot go on.`);
  const left = Math.max(0, ...plans.value.filter((plan) => !plan.settled && !plan.paused).map((plan) => plan.seconds_left ?? 0));
  if (left > 0 && !paused.value && waiting.value + working.value > 0) parts.push(`About ${span(left)} left.`);
  else if (status.value && parts.length === 0) parts.push(`${count(status.value.quadrants, "quadrant")} finished.`);
  return parts.join(" ");
}

function QueueMenu({ close }: { close: () => void }) {
  const open = waiting.value + held.value + working.value;
  const [asked, setAsked] = useState(false);
  return (
    <div class="menu">
      <button
        type="button"
        class="menu-item"
        data-act="retry-failed"
        disabled={failed.value === 0}
        onClick={() => {
          retryWhere("queue", { states: ["error"] });
          close();
        }}
      >
        <Icon name="retry" />
        Retry all failed
      </button>
      <ExportLink label={`Export what is not done${open ? `, ${count(open, "job")}` : ""}`} close={close} />
      <ImportButton close={close} />
      {asked ? (
        <>
          <hr />
          <p class="note">{`This calls off ${count(open, "job")}, also those being made. What is finished stays.`}</p>
          <div class="buttons">
            <button
              type="button"
              class="button danger"
              data-act="clear-queue"
              disabled={open === 0}
              onClick={() => {
                clearQueue();
                close();
              }}
            >
              Call off {count(open, "job")}
            </button>
            <button type="button" class="quiet" onClick={close}>
              Keep {open === 1 ? "it" : "them"}
            </button>
          </div>
        </>
      ) : (
        <button type="button" class="menu-item" data-act="ask-clear" disabled={open === 0} onClick={() => setAsked(true)}>
          <Icon name="close" />
          Clear the queue
        </button>
      )}
    </div>
  );
}
