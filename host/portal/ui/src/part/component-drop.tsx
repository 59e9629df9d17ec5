/** A place to drop a component: it is sent at once, and the host says what it is. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { uploadComponent } from "../api/components.ts";
import type { Component } from "../api/types.ts";
import { bytes } from "../format/amount.ts";
import { problemOf } from "../live/resource.ts";
import { ComponentReport } from "./component-report.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNote } from "./message.tsx";
import { ProgressBar } from "./meter.tsx";

interface ComponentDropProps {
  /** What was dropped before: a form that one comes back to has it still. */
  before?: { name: string; component: Component };
  onComponent: (component: Component | undefined, file: File) => void;
}

interface Upload {
  name: string;
  size: number;
  /** Undefined: it was sent before. */
  file?: File;
  /** 0 to 1; the host compiles once all is sent. */
  part: number;
  component?: Component;
  problem?: Problem;
}

export function ComponentDrop({ before, onComponent }: ComponentDropProps) {
  const [sent, setUpload] = useState<Upload>();
  const upload = sent ?? (before && { ...before, size: before.component.size, part: 1 });
  const [isOver, setOver] = useState(false);
  const sending = useRef<AbortController>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => () => sending.current?.abort(), []);

  const send = async (file: File) => {
    sending.current?.abort();
    const controller = new AbortController();
    sending.current = controller;
    onComponent(undefined, file);
    const { name, size } = file;
    const told = (part: Partial<Upload>) => setUpload({ name, size, file, part: 0, ...part });
    told({});
    try {
      const component = await uploadComponent(
        file,
        (progress) => told({ part: progress.total > 0 ? progress.sent / progress.total : 0 }),
        controller.signal,
      );
      told({ part: 1, component });
      onComponent(component, file);
    } catch (error) {
      if (!controller.signal.aborted) told({ problem: problemOf(error) });
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
            {upload.name} <span class="muted">{bytes(upload.size)}</span>
          </strong>
        ) : (
          <strong>Drop a .wasm file here</strong>
        )}
        <label for="component-file" class="button small">
          {upload ? "Choose another" : "Choose a file"}
        </label>
      </div>
      {upload && <UploadState upload={upload} retry={upload.file && (() => void send(upload.file!))} />}
    </div>
  );
}

function UploadState({ upload, retry }: { upload: Upload; retry: (() => void) | undefined }) {
  const { part, component, problem } = upload;
  // What the host has refused it will refuse again.
  if (problem) return <ProblemNote problem={problem} retry={problem.isUnreachable ? retry : undefined} />;
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
