/** Icons, drawn with the text's colour. They decorate: what they mean stands beside them or in a label. */

const PATHS = {
  jobs: "M4 6h10M4 12h16M4 18h13",
  runs: "M5 4.5v15l13-7.5z",
  upcoming: "M4 7h16v13H4zM4 11h16M8 3.5V7M16 3.5V7",
  tables: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  outbox: "M4 6h16v12H4zM4 7l8 6 8-6",
  secrets: "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5zM12 14.5v2",
  access: "M14.5 4.5a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 13l-7 7M4 20h3v-3",
  host: "M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01",
  plus: "M12 5v14M5 12h14",
  play: "M7 5l11 7-11 7z",
  pause: "M8 5v14M16 5v14",
  resume: "M5 5v14M10 5l10 7-10 7z",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3l1.8 1.8M16.9 16.9l1.8 1.8M5.3 18.7l1.8-1.8M16.9 7.1l1.8-1.8",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  half: "M12 3.5a8.5 8.5 0 1 0 0 17zM12 3.5a8.5 8.5 0 0 1 0 17",
  out: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  close: "M6 6l12 12M18 6L6 18",
  file: "M6 3.5h8l4 4V20.5H6zM14 3.5v4h4",
  warning: "M12 4L3 19.5h18zM12 10v4.5M12 17h.01",
  check: "M5 12.5l4.5 4.5L19 7.5",
  down: "M6 9.5l6 6 6-6",
  right: "M9.5 6l6 6-6 6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13",
  menu: "M4 7h16M4 12h16M4 17h16",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
