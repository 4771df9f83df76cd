/** How one version was made: model, words, seed, cost, time, worker, and what the model saw. */

import { bootstrap } from "./bootstrap";
import type { QuadrantView, Seen, Version } from "./api";
import { replacedOf } from "./staleness";
import { nameOfModel, plans } from "./state";
import { count, moment, named, planName, price, seconds } from "./words";
import { world } from "./world";

const LONG_PROMPT = 90;
/** As many digits of a hash as tell two apart for people. */
const SHORT_HASH = 12;

export function How({ version, of, name }: { version: Version; of: QuadrantView; name: string }) {
  return (
    <>
      <section class="facts">
        <h3>How {name === "render" ? "the render" : name} was made</h3>
        <dl>
          {factsOf(version).map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd data-fact={label.toLowerCase()}>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      {version.layer !== "render" && <Saw version={version} of={of} />}
    </>
  );
}

type Fact = [string, preact.ComponentChildren];

function factsOf(version: Version): Fact[] {
  const plan = plans.value.find((one) => one.plan === version.plan);
  const call = version.model_seconds ? `, ${seconds(version.model_seconds)} of it in the model` : "";
  const facts: Fact[] = [["Made", `${moment(version.created_at)}, in ${seconds(version.seconds)}${call}`]];
  if (version.layer !== "render") {
    facts.push(["Model", nameOfModel(version.model_id)]);
    facts.push(["Prompt", version.prompt ? <Long text={version.prompt} /> : modelPrompt(version.model_id)]);
    if (version.negative_prompt) facts.push(["Not wanted", <Long text={version.negative_prompt} />]);
    facts.push(["Seed", version.seed === null ? "none" : String(version.seed)]);
    facts.push(["Cost", version.cost === null ? "not stated" : price(version.cost)]);
    if (version.parameters && version.parameters !== "{}") facts.push(["Told", <Long text={version.parameters} />]);
    if (version.seam !== null) facts.push(["Seam score", seamOf(version)]);
    const sources = [...new Set(version.saw.filter((one) => one.layer !== version.layer).map((one) => one.layer))];
    if (sources.length > 0) facts.push(["Drawn from", sources.join(", ")]);
    if (version.template) facts.push(["Template", <Hash of={version.template} />]);
    if (version.renders) facts.push(["Renders", <Hash of={version.renders} />]);
  }
  facts.push(["Worker", version.worker || "unknown"]);
  facts.push(["Plan", plan ? planName(plan) : version.plan]);
  facts.push(["Job", `${version.job}${version.attempt ? `, try ${version.attempt}` : ""}`]);
  if (version.source) facts.push(["Source", version.source]);
  return facts;
}

/** 1 is as strong as the strongest lines of the picture. */
function seamOf(version: Version): string {
  return version.seam!.toFixed(2) + (version.flagged ? ", so it may show" : "");
}

/** Without words of its own a request goes with those of the model. */
function modelPrompt(id: string): string {
  return bootstrap.models.find((one) => one.model_id === id)?.prompt ? "the model's own" : "none";
}

function Hash({ of }: { of: string }) {
  return <code title={of}>{of.slice(0, SHORT_HASH)}</code>;
}

function Long({ text }: { text: string }) {
  if (text.length <= LONG_PROMPT) return <>{text}</>;
  return (
    <details class="long">
      <summary>
        {text.slice(0, LONG_PROMPT)}… <span class="link">Show all</span>
      </summary>
      {text}
    </details>
  );
}

/** The finished neighbours that the model was shown, and which of them stand there no more. */
function Saw({ version, of }: { version: Version; of: QuadrantView }) {
  const isBeside = (one: Seen): boolean => one.layer === version.layer && (one.x !== of.x || one.y !== of.y);
  const seen = version.saw.filter(isBeside);
  const gone = replacedOf(version).filter(isBeside);
  const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [of.x + dx, of.y + dy] as const));
  return (
    <section class="facts">
      <h3>Neighbours seen</h3>
      <div class="saw">
        <div class="saw-grid" aria-hidden="true">
          {around.map(([x, y]) => {
            const one = seen.find((other) => other.x === x && other.y === y);
            const isMiddle = x === of.x && y === of.y;
            const look = isMiddle ? "middle" : !one ? (world.standing(version.layer).has(`${x},${y}`) ? "later" : "none") : gone.includes(one) ? "gone" : "seen";
            return (
              <span key={`${x},${y}`} class={`saw-${look}`} data-saw={look}>
                {x},{y}
              </span>
            );
          })}
        </div>
        <div class="saw-text">
          <p>{seen.length ? `The model saw ${count(seen.length, "finished neighbour")}.` : "The model saw no finished neighbour."}</p>
          {gone.length > 0 && (
            <p class="saw-gone">
              {gone.length === 1 ? "One has" : `${gone.length} have`} been replaced since: {named(gone.map(({ x, y }) => [x, y] as const))}.
            </p>
          )}
          <p class="dim">Dashed ones did not exist yet or lay out of sight.</p>
        </div>
      </div>
    </section>
  );
}
