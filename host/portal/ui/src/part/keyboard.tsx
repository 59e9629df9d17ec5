/** Keys that work everywhere, and the palette that some of them open. */

import { useLocation } from "preact-iso";
import { useEffect, useRef, useState } from "preact/hooks";
import { AREAS } from "../navigation.ts";
import { Dialog } from "./dialog.tsx";
import { Palette } from "./palette.tsx";

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const SECOND_KEY_MS = 1200;

const KEYS = [
  ["Ctrl K", "go to a page or a job, or do something"],
  ["/", "search what is shown"],
  ["c", "create a job"],
  ...AREAS.map((area) => [`g ${area.key}`, `go to ${area.name.toLowerCase()}`]),
  ["?", "this list"],
] as const;

export function Keyboard() {
  const { route } = useLocation();
  const [open, setOpen] = useState<"palette" | "keys">();
  const afterG = useRef(0);
  useEffect(() => {
    const search = () => {
      const field = document.querySelector<HTMLInputElement>("main [data-search]");
      field?.focus();
      field?.select();
      return field !== null;
    };
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        return setOpen("palette");
      }
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector("dialog[open]")
      )
        return;
      const isSecond = performance.now() - afterG.current < SECOND_KEY_MS;
      afterG.current = 0;
      const area = isSecond && AREAS.find((one) => one.key === event.key);
      if (area) return route(area.path);
      switch (event.key) {
        case "g":
          afterG.current = performance.now();
          break;
        case "c":
          event.preventDefault();
          route("/create");
          break;
        case "/":
          event.preventDefault();
          if (!search()) setOpen("palette");
          break;
        case "?":
          setOpen("keys");
      }
    };
    const click = (event: MouseEvent) => {
      if ((event.target as Element).closest?.("[data-palette]")) setOpen("palette");
    };
    addEventListener("keydown", press);
    addEventListener("click", click);
    return () => {
      removeEventListener("keydown", press);
      removeEventListener("click", click);
    };
  }, []);
  const close = () => setOpen(undefined);
  if (open === "palette") return <Palette onClose={close} onKeys={() => setOpen("keys")} />;
  if (open === "keys") {
    return (
      <Dialog title="Keys" onClose={close} class="narrow">
        <dl class="keys">
          {KEYS.map(([key, words]) => (
            <div key={key}>
              <dt>
                {key.split(" ").map((one) => (
                  <kbd key={one}>{one}</kbd>
                ))}
              </dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
      </Dialog>
    );
  }
  return null;
}
