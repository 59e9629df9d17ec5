/** A place to drop a component: it is sent at once, and the host says what it is. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { uploadComponent } from "../api/components.ts";
import type { Component } from "../api/types.ts";
import { bytes } from "../format/amount.ts";
import { problemOf } from "../live/resource.ts";
import { Icon } from "./icon.tsx";
import { ProblemNote, Warnings } from "./message.tsx";
import { ProgressBar } from "./meter.tsx";

interface ComponentDropProps {
  onComponent: (component: Component | undefined, file: File) => void;
}

interface Upload {
  file: File;
  /** 0 to 1; the host compiles once all is sent. */
  part: number;
  component?: Component;
  problem?: Problem;
}

export function ComponentDrop({ onComponent }: ComponentDropProps) {
  const [upload, setUpload] = useState<Upload>();
  const [isOver, setOver] = useState(false);
  const sending = useRef<AbortController>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => () => sending.current?.abort(), []);

  const send = async (file: File) => {
    sending.current?.abort();
    const controller = new AbortController();
    sending.current = controller;
    onComponent(undefined, file);
    setUpload({ file, part: 0 });
    try {
      const component = await uploadComponent(
        file,
        ({ sent, total }) => setUpload({ file, part: total > 0 ? sent / total : 0 }),
        controller.signal,
      );
      setUpload({ file, part: 1, component });
      onComponent(component, file);
    } catch (error) {
      if (!controller.signal.aborted) setUpload({ file, part: 0, problem: problemOf(error) });
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) void send(file);
  };
  return (
    <div
      class={`drop ${isOver ? "over" : ""} ${upload ? "filled" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        ref={input}
        type="file"
        class="visually-hidden"
        id="component-file"
        accept=".wasm,application/wasm"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) void send(file);
          // The same file may be chosen again, once it is mended.
          event.currentTarget.value = "";
        }}
      />
      <Icon name="file" />
      <div class="drop-words">
        {upload ? (
          <strong>
            {upload.file.name} <span class="muted">{bytes(upload.file.size)}</span>
          </strong>
        ) : (
          <strong>Drop a .wasm file here</strong>
        )}
        <label for="component-file" class="button small">
          {upload ? "Choose another" : "Choose a file"}
        </label>
      </div>
      {upload && <UploadState upload={upload} />}
    </div>
  );
}

function UploadState({ upload: { part, component, problem } }: { upload: Upload }) {
  if (problem) return <ProblemNote problem={problem} />;
  if (component) return <ComponentReport component={component} />;
  return (
    <div class="drop-progress">
      <ProgressBar label="Sending the component" part={part} />
      <span class="muted" aria-live="polite">
        {part < 1 ? "Sending …" : "Sent; the host checks and compiles it …"}
      </span>
    </div>
  );
}

/** What a component is and reaches for. */
export function ComponentReport({ component }: { component: Component }) {
  const { own, other } = sorted(component.imports);
  return (
    <div class="report">
      <p>
        <Icon name="check" /> A valid {component.kind} of {bytes(component.size)}. It imports{" "}
        {own.length > 0 ? own.map((name) => <code key={name}>{name} </code>) : "nothing of the host's"}
        {other.length > 0 && (
          <>
            and, of the system interface,{" "}
            <details class="inline">
              <summary>{other.length} more</summary>
              {other.map((name) => (
                <code key={name}>{name} </code>
              ))}
            </details>
          </>
        )}
      </p>
      <Warnings warnings={component.warnings} />
    </div>
  );
}

function sorted(imports: string[]): { own: string[]; other: string[] } {
  const name = (full: string) => full.replace(/@.*$/, "");
  const own = imports
    .filter((one) => one.startsWith("sandglass:job/"))
    .map((one) => name(one).slice("sandglass:job/".length));
  return {
    own: own.filter((one) => one !== "types"),
    other: imports.filter((one) => !one.startsWith("sandglass:job/")).map(name),
  };
}
