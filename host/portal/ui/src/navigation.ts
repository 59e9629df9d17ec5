/** The areas of the portal: one list for the menu, the palette and the keyboard. */

import type { IconName } from "./part/icon.tsx";

export interface Area {
  path: string;
  name: string;
  icon: IconName;
  /** Pressed after `g`. */
  key: string;
}

export const AREAS: Area[] = [
  { path: "/", name: "Jobs", icon: "jobs", key: "j" },
  { path: "/runs", name: "Runs", icon: "runs", key: "r" },
  { path: "/upcoming", name: "Upcoming", icon: "upcoming", key: "u" },
  { path: "/tables", name: "Tables", icon: "tables", key: "t" },
  { path: "/outbox", name: "Outbox", icon: "outbox", key: "o" },
  { path: "/secrets", name: "Secrets", icon: "secrets", key: "s" },
  { path: "/access", name: "Access", icon: "access", key: "a" },
  { path: "/host", name: "Host", icon: "host", key: "h" },
];

/** The area that a path lies in. */
export function areaOf(path: string): Area | undefined {
  if (path === "/" || path.startsWith("/jobs/") || path === "/create") return AREAS[0];
  return AREAS.slice(1).find((area) => path === area.path || path.startsWith(`${area.path}/`));
}

/** As tabs and histories show it: what is looked at first. */
export function titleOf(path: string): string {
  const [, area, name] = path.split("/");
  const isNamed = area === "jobs" || area === "tables";
  return [isNamed && decodeURIComponent(name ?? ""), areaOf(path)?.name, "Sandglass"]
    .filter(Boolean)
    .join(" · ");
}
