/** Every page, every job, and what one does with them: found by a few letters. */

import { useLocation } from "preact-iso";
import { useId, useMemo, useState } from "preact/hooks";
import { pauseJob, resumeJob, runJob } from "../api/jobs.ts";
import type { JobBrief } from "../api/types.ts";
import { jobs, useJobs } from "../live/jobs.ts";
import { attempt } from "../live/notice.ts";
import { nextTheme, theme } from "../live/theme.ts";
import { AREAS } from "../navigation.ts";
import { Dialog } from "./dialog.tsx";
import { Icon, type IconName } from "./icon.tsx";

interface Choice {
  words: string;
  about: string;
  icon: IconName;
  act: () => void;
}

const SHOWN = 12;

/** How well the text fits: lower is better, none where it does not. */
function fit(words: string, text: string): number | undefined {
  const at = words.toLowerCase().indexOf(text);
  if (at >= 0) return at;
  let place = 0;
  for (const letter of text) {
    place = words.toLowerCase().indexOf(letter, place) + 1;
    if (place === 0) return undefined;
  }
  return 1000 + place;
}

export function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  useJobs();
  const { route } = useLocation();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useId();

  const ofJob = (job: JobBrief): Choice[] => [
    { words: job.name, about: job.schedule_words, icon: "jobs", act: () => route(`/jobs/${job.name}`) },
    {
      words: `run ${job.name}`,
      about: "now",
      icon: "play",
      act: async () => {
        const run = await attempt(() => runJob(job.name));
        if (run) route(`/runs/${run.id}`);
      },
    },
    job.state === "paused"
      ? {
          words: `resume ${job.name}`,
          about: "its schedule",
          icon: "resume",
          act: () => void attempt(() => resumeJob(job.name), `${job.name} is active.`),
        }
      : {
          words: `pause ${job.name}`,
          about: "its schedule",
          icon: "pause",
          act: () => void attempt(() => pauseJob(job.name), `${job.name} is paused.`),
        },
    {
      words: `settings of ${job.name}`,
      about: "change the job",
      icon: "jobs",
      act: () => route(`/jobs/${job.name}/settings`),
    },
  ];
  const all = useMemo<Choice[]>(
    () => [
      { words: "Create a job", about: "from a .wasm file", icon: "plus", act: () => route("/create") },
      ...AREAS.map((area): Choice => ({
        words: area.name,
        about: "page",
        icon: area.icon,
        act: () => route(area.path),
      })),
      { words: "Colours", about: `now ${theme.value}`, icon: "half", act: () => (theme.value = nextTheme()) },
      { words: "Keys", about: "what the keyboard does", icon: "menu", act: onKeys },
      ...[...(jobs.value?.values() ?? [])].flatMap(ofJob),
    ],
    [jobs.value],
  );
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    if (!wanted) return all.slice(0, SHOWN);
    const scored = all.flatMap((choice) => {
      const score = fit(choice.words, wanted);
      return score === undefined ? [] : [{ choice, score }];
    });
    return scored
      .sort((a, b) => a.score - b.score || a.choice.words.length - b.choice.words.length)
      .slice(0, SHOWN)
      .map(({ choice }) => choice);
  }, [all, text]);

  const act = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    choice.act();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setChosen((chosen + step + shown.length) % Math.max(shown.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      act(shown[chosen]);
    }
  };
  return (
    <Dialog title="Go to …" onClose={onClose} class="palette">
      <input
        type="text"
        role="combobox"
        aria-label="A page, a job, or something to do"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={shown[chosen] ? `${list}-${chosen}` : undefined}
        placeholder="A page, a job, or something to do"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={press}
      />
      <ul id={list} role="listbox" aria-label="Choices">
        {shown.map((choice, at) => (
          <li
            key={choice.words}
            id={`${list}-${at}`}
            role="option"
            aria-selected={at === chosen}
            onClick={() => act(choice)}
            onMouseMove={() => setChosen(at)}
          >
            <Icon name={choice.icon} />
            <span>{choice.words}</span>
            <span class="muted">{choice.about}</span>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="muted">Nothing fits.</p>}
    </Dialog>
  );
}
