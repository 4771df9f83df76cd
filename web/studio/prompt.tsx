/** The words that travel with the next requests; in sight while they are set, gone with the page. */

import { Icon } from "./icons";
import { Popover } from "./popover";
import { model, negativePrompt, prompt } from "./state";

const LONGEST = 8_000;

export function PromptFields() {
  const usual = model.value;
  return (
    <div class="prompt-fields">
      <label>
        <span>Prompt</span>
        <textarea
          rows={4}
          maxLength={LONGEST}
          data-field="prompt"
          placeholder={usual?.prompt || "The model's own words"}
          value={prompt.value}
          onInput={(event) => (prompt.value = event.currentTarget.value)}
        />
      </label>
      <label>
        <span>Not wanted</span>
        <textarea
          rows={2}
          maxLength={LONGEST}
          data-field="negative-prompt"
          placeholder={usual?.negative_prompt || "Nothing"}
          value={negativePrompt.value}
          onInput={(event) => (negativePrompt.value = event.currentTarget.value)}
        />
      </label>
      <div class="note-row">
        <p class="note">Applies to new jobs. Those already waiting keep the prompt they were planned with.</p>
        {(prompt.value || negativePrompt.value) && (
          <button
            type="button"
            class="button"
            onClick={() => {
              prompt.value = "";
              negativePrompt.value = "";
            }}
          >
            Clear
          </button>
        )}
      </div>
    </div>
  );
}

export function PromptPicker() {
  const words = prompt.value.trim();
  return (
    <Popover
      name="prompt"
      label="Prompt"
      className="prompt-picker"
      button={
        <>
          <Icon name="prompt" />
          <span class={words ? "prompt-set" : ""}>{words ? `“${words}”` : "Prompt"}</span>
          <Icon name="chevron" size={14} />
        </>
      }
    >
      {() => <PromptFields />}
    </Popover>
  );
}
