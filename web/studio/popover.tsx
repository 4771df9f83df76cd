/** A button with something that opens below it; Escape and a click elsewhere close it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface Given {
  label: string;
  name: string;
  button: ComponentChildren;
  children: (close: () => void) => ComponentChildren;
  className?: string;
  align?: "start" | "end";
  above?: boolean;
}

export function Popover({ label, name, button, children, className = "", align = "start", above = false }: Given) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    opener.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event): void => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    };
    document.addEventListener("pointerdown", outside, true);
    document.addEventListener("keydown", escape, true);
    root.current?.querySelector<HTMLElement>("[data-first], textarea, [aria-selected=true]")?.focus();
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open]);
  return (
    <div class={`popover-root ${className}`} ref={root}>
      <button
        ref={opener}
        class="quiet"
        type="button"
        aria-label={label}
        aria-haspopup="true"
        aria-expanded={open}
        data-open={name}
        onClick={() => setOpen(!open)}
      >
        {button}
      </button>
      {open && (
        <div class={`popover ${align} ${above ? "above" : ""}`} data-popover={name} role="dialog" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
