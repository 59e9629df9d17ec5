/** A run with a word on the way. */

import { useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { runJob } from "../api/jobs.ts";
import type { Run } from "../api/types.ts";
import { problemOf } from "../live/resource.ts";
import { parseJson } from "../model/json.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";

interface RunWithInputProps {
  name: string;
  onRun: (run: Run) => void;
  onClose: () => void;
}

export function RunWithInput({ name, onRun, onClose }: RunWithInputProps) {
  const [text, setText] = useState("{}");
  const [problem, setProblem] = useState<Problem>();
  const run = async (event: Event) => {
    event.preventDefault();
    try {
      onRun(await runJob(name, parseJson(text)));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={`Run ${name} with input`} onClose={onClose}>
      <form onSubmit={run}>
        <Field label="Input" hint="Any JSON, up to 256 KiB" error={problem?.message}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={8}
              spellcheck={false}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <footer class="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            Run now
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
