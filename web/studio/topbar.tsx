/** The bar at the top: world, model, prompt; health and theme at the right. */

import { bootstrap } from "./bootstrap";
import { Icon } from "./icons";
import { ModelPicker } from "./models";
import { Health } from "./notices";
import { Popover } from "./popover";
import { PromptFields, PromptPicker } from "./prompt";
import { theme, toggleTheme } from "./theme";

function ThemeButton({ words = false }: { words?: boolean }) {
  const other = theme.value === "dark" ? "light" : "dark";
  return (
    <button type="button" class={words ? "button" : "quiet square"} aria-label={`Use the ${other} theme`} data-act="theme" onClick={toggleTheme}>
      <Icon name={theme.value === "dark" ? "sun" : "moon"} />
      {words && `Use the ${other} theme`}
    </button>
  );
}

export function TopBar() {
  return (
    <header class="top-bar">
      <span class="world-mark">
        <Icon name="layers" size={20} />
      </span>
      <h1 class="world">{bootstrap.world}</h1>
      <span class="rule" />
      <ModelPicker />
      <div class="wide-only">
        <PromptPicker />
      </div>
      <span class="spring" />
      <Health />
      <div class="wide-only">
        <ThemeButton />
      </div>
      <div class="narrow-only">
        <Popover name="more" label="More" align="end" button={<Icon name="more" />}>
          {() => (
            <>
              <PromptFields />
              <ThemeButton words />
            </>
          )}
        </Popover>
      </div>
    </header>
  );
}
