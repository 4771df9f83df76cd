/** The model that the next request names: chosen here, never remembered by the browser. */

import { batch } from "@preact/signals";
import type { Model } from "./api";
import { Dot, Icon } from "./icons";
import { Popover } from "./popover";
import { layer, model, modelId, models, modelStates } from "./state";
import { isStopped, limitedFor, whyModelWaits } from "./waits";
import { capital, countdown, sentence } from "./words";

export function ModelPicker() {
  const chosen = model.value;
  return (
    <Popover
      name="model"
      label={`Model: ${chosen?.name ?? "none"}`}
      className="model-picker"
      button={
        <>
          <Dot shape={chosen ? shapeOf(chosen) : "off"} />
          <span class="model-name" data-chosen-model={modelId.value}>
            {chosen?.name ?? "No model"}
          </span>
          {chosen?.available && <Standing of={chosen} />}
          <Icon name="chevron" size={14} />
        </>
      }
    >
      {(close) => (
        <div class="options" role="listbox" aria-label="Models" onKeyDown={walk}>
          {models.value.map((one) => (
            <Option key={one.model_id} model={one} close={close} />
          ))}
        </div>
      )}
    </Popover>
  );
}

function shapeOf(one: Model): "well" | "limited" | "off" {
  if (!one.available || modelStates.value.get(one.model_id)?.paused) return "off";
  return limitedFor(one.model_id) > 0 ? "limited" : "well";
}

/** In a word or two why the chosen model is not called now. */
function Standing({ of: one }: { of: Model }) {
  const state = modelStates.value.get(one.model_id);
  const limit = limitedFor(one.model_id);
  const word = state?.paused ? (isStopped(state) ? "stopped" : "paused") : limit > 0 ? `waits ${countdown(limit)}` : "";
  return word ? <span class="model-standing">{word}</span> : null;
}

function Option({ model: one, close }: { model: Model; close: () => void }) {
  const isChosen = one.model_id === modelId.value;
  const pick = (): void => {
    if (!one.available) return;
    batch(() => {
      modelId.value = one.model_id;
      // What is asked for next would else be drawn where nobody looks.
      if (layer.value !== "render") layer.value = one.output_layer;
    });
    close();
  };
  const why = one.available ? whyModelWaits(one.model_id) : "";
  const state = modelStates.value.get(one.model_id);
  return (
    <button
      type="button"
      role="option"
      class="option"
      aria-selected={isChosen}
      aria-disabled={!one.available}
      data-model={one.model_id}
      onClick={pick}
    >
      <Dot shape={shapeOf(one)} />
      <span class="option-text">
        <span class="option-name">{one.name}</span>
        <span class="option-note">{one.model_id}</span>
        {!one.available && <span class="option-reason">Unavailable. {one.reason}</span>}
        {why && (
          <span class="option-reason" data-waits={one.model_id}>
            {state && isStopped(state) ? `Stopped. ${sentence(state.reason)}` : sentence(capital(why))}
          </span>
        )}
      </span>
      {isChosen && <Icon name="check" />}
    </button>
  );
}

function walk(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  const options = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=option]")];
  const at = options.indexOf(document.activeElement as HTMLElement);
  options[(at + step + options.length) % options.length]?.focus();
}
