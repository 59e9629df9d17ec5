/** Who is signed in, as far as this page knows. */

import { signal } from "@preact/signals";
import type { Session } from "../api/types.ts";

/** `unknown` until the host was asked; null when nobody is signed in. */
export const session = signal<Session | null | "unknown">("unknown");

/** The host has refused a request for want of a session. */
export function signedOut(): void {
  session.value = null;
}
