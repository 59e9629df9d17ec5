import { RunList } from "../part/run-list.tsx";

export function JobRuns({ name }: { name: string }) {
  return <RunList key={name} job={name} />;
}
