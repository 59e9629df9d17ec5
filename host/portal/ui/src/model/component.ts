/** What was uploaded, in words. */

import type { Component } from "../api/types.ts";
import { bytes } from "../format/amount.ts";

interface Kind {
  name: string;
  meaning: string;
}

/** As docs/core-module-abi.md has them. */
const KINDS: Record<string, Kind> = {
  component: { name: "component", meaning: "made for the world that the host offers" },
  module: { name: "core module", meaning: "as its compiler made it; the host makes a component of it" },
  command: { name: "command", meaning: "a program with a main, which is what a run executes" },
};

/** A kind that this portal does not know stands for itself. */
export const kindOf = (kind: string): Kind => KINDS[kind] ?? { name: kind, meaning: "" };

/** `component in Rust, 88 KiB` */
export function summary({ kind, language, size }: Pick<Component, "kind" | "language" | "size">): string {
  return `${kindOf(kind).name}${language ? ` in ${language}` : ""}, ${bytes(size)}`;
}

/** Its imports without versions: the host's own, without their package, and those of the system interface. */
export function importsOf(imports: string[]): { own: string[]; system: string[] } {
  const names = imports.map((full) => full.replace(/@.*$/, ""));
  const own = names
    .filter((name) => name.startsWith("sandglass:job/"))
    .map((name) => name.slice("sandglass:job/".length))
    // Types are words that the others speak, and reach for nothing.
    .filter((name) => name !== "types");
  return { own, system: names.filter((name) => !name.startsWith("sandglass:job/")) };
}
