/** The host's time, as near as this page can tell it. Countdowns and ages follow it, second by second. */

import { signal } from "@preact/signals";

let offsetMs = 0;

/** Milliseconds since 1970; changes once a second. */
export const now = signal(Date.now());

export function setHostTime(instant: string): void {
  offsetMs = Date.parse(instant) - Date.now();
  now.value = hostTime();
}

export const hostTime = (): number => Date.now() + offsetMs;

setInterval(() => {
  if (!document.hidden) now.value = hostTime();
}, 1000);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = hostTime();
});
