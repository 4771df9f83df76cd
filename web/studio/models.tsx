/** The model that the next request names: chosen here, never remembered by the browser. */

import type { Model } from "./api";
import { Dot, Icon } from "./icons";
import { Popover } from "./popover";
import { model, modelId, models } from "./state";

export function ModelPicker() {
  const chosen = model.value;
  return (
    <Popover
      name="model"
      label={`Model: ${chosen?.name ?? "none"}`}
      className="model-picker"
      button={
        <>
          <Dot shape={chosen?.available ? "well" : "off"} />
          <span class="model-name" data-chosen-model={modelId.value}>
            {chosen?.name ?? "No model"}
          </span>
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

function Option({ model: one, close }: { model: Model; close: () => void }) {
  const isChosen = one.model_id === modelId.value;
  const pick = (): void => {
    if (!one.available) return;
    modelId.value = one.model_id;
    close();
  };
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
      <Dot shape={one.available ? "well" : "off"} />
      <span class="option-text">
        <span class="option-name">{one.name}</span>
        <span class="option-note">{one.model_id}</span>
        {!one.available && <span class="option-reason">Unavailable. {one.reason}</span>}
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
