/** What a form was refused for. That the host did not answer is over as soon as it does again. */

import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { connections } from "./events.ts";

export function useProblem(): [Problem | undefined, (problem: Problem | undefined) => void] {
  const [problem, setProblem] = useState<Problem>();
  const connection = connections.value;
  useEffect(() => setProblem((before) => (before?.isUnreachable ? undefined : before)), [connection]);
  return [problem, setProblem];
}
