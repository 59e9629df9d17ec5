/** What is shown in place of what one came for: nothing yet, nothing at all, or what went wrong. */

import type { ComponentChildren } from "preact";
import type { Problem } from "../api/client.ts";
import { Icon, type IconName } from "./icon.tsx";

interface EmptyProps {
  icon: IconName;
  title: string;
  /** It stands for the whole page. */
  isPage?: boolean;
  children?: ComponentChildren;
}

export function Empty({ icon, title, isPage, children }: EmptyProps) {
  const Title = isPage ? "h1" : "h2";
  return (
    <div class="empty">
      <Icon name={icon} />
      <Title>{title}</Title>
      {children}
    </div>
  );
}

/** Takes the room of what is coming, so that nothing jumps when it is there. */
export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} class="bone" />
      ))}
    </div>
  );
}

export function ProblemNote({ problem, retry }: { problem: Problem; retry?: () => void }) {
  return (
    <div class="note bad" role="alert">
      <Icon name="warning" />
      <div>
        <p>{problem.message}</p>
        {problem.faults.length > 1 && (
          <ul>
            {problem.faults.map(({ pointer, message }) => (
              <li key={pointer + message}>
                {pointer && <code>{pointer}</code>} {message}
              </li>
            ))}
          </ul>
        )}
        {retry && (
          <button type="button" class="small" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

const WARNINGS_IN_SIGHT = 2;

export function Warnings({ warnings }: { warnings: string[] }) {
  if (warnings.length === 0) return null;
  const list = (
    <ul>
      {warnings.map((warning) => (
        <li key={warning}>{warning}</li>
      ))}
    </ul>
  );
  return (
    <div class="note warn">
      <Icon name="warning" />
      {warnings.length <= WARNINGS_IN_SIGHT ? (
        list
      ) : (
        <details>
          <summary>{warnings.length} warnings: parts of it will not work as it is deployed</summary>
          {list}
        </details>
      )}
    </div>
  );
}
