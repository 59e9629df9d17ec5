/** What a component is: its kind, who made it, what the host did to it, and what it reaches for. */

import type { Component } from "../api/types.ts";
import { bytes, plural } from "../format/amount.ts";
import { importsOf, kindOf, summary } from "../model/component.ts";
import { Icon } from "./icon.tsx";
import { Warnings } from "./message.tsx";

export function ComponentReport({ component }: { component: Component }) {
  const { kind, size, language, tools, adapted, imports, warnings } = component;
  const { name, meaning } = kindOf(kind);
  return (
    <div class="report">
      <p class="report-head">
        <Icon name="check" /> A valid {name}
        {meaning && <span class="muted">{meaning}</span>}
      </p>
      <dl>
        <div>
          <dt>Size</dt>
          <dd>{bytes(size)}</dd>
        </div>
        <div>
          <dt>Written in</dt>
          <dd>{language ?? <span class="muted">it does not say</span>}</dd>
        </div>
        {tools.length > 0 && (
          <div>
            <dt>Made by</dt>
            <dd title={tools.join("\n")}>{tools.map(withoutNote).join(", ")}</dd>
          </div>
        )}
        {adapted.length > 0 && (
          <div>
            <dt>Adapted</dt>
            <dd>
              {adapted.map((told) => (
                <p key={told}>{told}</p>
              ))}
            </dd>
          </div>
        )}
        <div>
          <dt>Imports</dt>
          <dd>
            <Imports imports={imports} />
          </dd>
        </div>
      </dl>
      <Warnings warnings={warnings} />
    </div>
  );
}

/** `rustc 1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`. */
const withoutNote = (tool: string) => tool.replace(/ \(.*$/, "");

function Imports({ imports }: { imports: string[] }) {
  const { own, system } = importsOf(imports);
  return (
    <>
      {own.length > 0 ? (
        own.map((name) => (
          <code key={name} class="import">
            {name}
          </code>
        ))
      ) : (
        <span class="muted">nothing of the host’s own </span>
      )}
      {system.length > 0 && (
        <details class="inline">
          <summary>
            {own.length > 0 ? "and " : ""}
            {system.length} of the system interface
          </summary>
          <div>
            {system.map((name) => (
              <code key={name} class="import">
                {name}
              </code>
            ))}
          </div>
        </details>
      )}
    </>
  );
}

/** One line of a component that a revision names. Undefined: nothing is known of it, or not yet. */
export function ComponentLine({ digest, component }: { digest: string; component: Component | undefined }) {
  return (
    <p class="component-line" title={digest}>
      <code>{digest.slice(0, 12)}</code>
      {component && (
        <span class="muted">
          {summary(component)}
          {component.adapted.length > 0 && ", adapted"}
          {component.warnings.length > 0 && `, ${plural(component.warnings.length, "warning")}`}
        </span>
      )}
    </p>
  );
}
