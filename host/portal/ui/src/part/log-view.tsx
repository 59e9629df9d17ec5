/** A run's log: it follows while the run goes on, and stays quick however long it gets. */

import { Component } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client.ts";
import { getRun, readLog } from "../api/runs.ts";
import type { Level, LogLine } from "../api/types.ts";
import { count, plural } from "../format/amount.ts";
import { timeOfDay, utc } from "../format/time.ts";
import { problemOf } from "../live/resource.ts";
import { LEVELS, Log } from "../model/log.ts";
import { CopyButton } from "./copy.tsx";
import { ProblemNote } from "./message.tsx";
import { VirtualList } from "./virtual-list.tsx";

export const ROW_HEIGHT = 22;
const LEAST_ROWS = 5;
const MANY_ROWS = 30;
const RETRY_MS = 1000;

/** Reads the log into `log`, and goes on after breaks until the run has ended. */
function useLog(run: string, isLive: boolean) {
  const log = useMemo(() => new Log(), [run]);
  const [, setVersion] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  const [isComplete, setComplete] = useState(false);
  const wasLive = useRef(isLive);
  wasLive.current = isLive;

  useEffect(() => {
    const controller = new AbortController();
    let frame = 0;
    const drawn = () => {
      frame = 0;
      setVersion((version) => version + 1);
    };
    // Lines that were followed run ahead of what is stored: after a break, some of them may never have been.
    let isAnew = false;
    const add = (lines: LogLine[]) => {
      if (isAnew) log.clear();
      isAnew = false;
      log.add(lines);
      frame ||= requestAnimationFrame(drawn);
    };
    const read = async () => {
      while (!controller.signal.aborted) {
        try {
          const follow = wasLive.current;
          await readLog(run, follow, add, controller.signal);
          setProblem(undefined);
          if (!follow || (await getRun(run, controller.signal)).outcome !== null) return setComplete(true);
        } catch (error) {
          if (controller.signal.aborted) return;
          const told = problemOf(error);
          if (told instanceof Problem && told.status >= 400) return setProblem(told);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        isAnew = true;
      }
    };
    void read();
    return () => {
      controller.abort();
      cancelAnimationFrame(frame);
    };
  }, [log, run]);
  return { log, problem, isComplete, redraw: () => setVersion((version) => version + 1) };
}

export function LogView({ run, isLive }: { run: string; isLive: boolean }) {
  const { log, problem, isComplete, redraw } = useLog(run, isLive);
  const [level, setLevel] = useState<Level>("trace");
  const [text, setText] = useState("");
  const [isFollowing, setFollowing] = useState(isLive);
  const [selected, setSelected] = useState<number>();
  const scroller = useRef<HTMLDivElement>(null);

  const filter = (nextLevel: Level, nextText: string) => {
    setLevel(nextLevel);
    setText(nextText);
    log.show({ level: nextLevel, text: nextText.toLowerCase() });
    redraw();
  };
  const shown = log.shown.length;
  // A log that grows has its room from the beginning; one that is complete takes what it needs.
  const hasRoom = useRef(isLive).current || log.lines.length > MANY_ROWS;
  useEffect(() => {
    if (isFollowing && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [isFollowing, shown]);
  const scrolled = (element: HTMLDivElement) => {
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW_HEIGHT * 2;
    if (isAtEnd !== isFollowing && (isLive || !isAtEnd)) setFollowing(isAtEnd);
  };

  const select = useCallback(
    (index: number) => setSelected((before) => (before === index ? undefined : index)),
    [],
  );
  const line = selected === undefined ? undefined : log.lines[selected];
  return (
    <section class="log" aria-label="Log">
      <div class="log-bar">
        <h2>Log</h2>
        <input
          type="search"
          placeholder="Search the log"
          aria-label="Search the log"
          data-search
          value={text}
          onInput={(event) => filter(level, event.currentTarget.value)}
        />
        <select
          aria-label="Least level"
          value={level}
          onChange={(event) => filter(event.currentTarget.value as Level, text)}
        >
          {LEVELS.map((one) => (
            <option key={one} value={one}>
              {one === "trace" ? "all levels" : one === "error" ? "error" : `${one} and above`}
            </option>
          ))}
        </select>
        <span class="muted log-count">
          {shown === log.lines.length
            ? plural(shown, "line")
            : `${count(shown)} of ${plural(log.lines.length, "line")}`}
        </span>
        <button
          type="button"
          class="small"
          aria-pressed={isLive ? isFollowing : undefined}
          onClick={() => setFollowing(!isFollowing || !isLive)}
        >
          {!isLive ? "To the end" : isFollowing ? "Following" : "Follow"}
        </button>
      </div>
      {problem && <ProblemNote problem={problem} />}
      {log.dropped > 0 && (
        <p class="hint">
          The first {plural(log.dropped, "line")} are not held on this page; the API and `sandglass logs` have
          them.
        </p>
      )}
      <div
        class={`log-box ${hasRoom ? "" : "fits"}`}
        style={hasRoom ? undefined : { height: `${Math.max(shown, LEAST_ROWS) * ROW_HEIGHT + 12}px` }}
      >
        <VirtualList
          class="log-lines"
          label="Lines of the log"
          count={shown}
          rowHeight={ROW_HEIGHT}
          scroller={scroller}
          onScroll={scrolled}
          row={(at) => {
            const index = log.shown[at]!;
            return (
              <LogRow
                key={index}
                index={index}
                line={log.lines[index]!}
                text={text}
                isSelected={index === selected}
                onSelect={select}
              />
            );
          }}
        />
        {shown === 0 && (
          <p class="log-nothing muted">
            {log.lines.length > 0
              ? "No line matches."
              : isComplete
                ? "This run has logged nothing."
                : "Waiting for the first line …"}
          </p>
        )}
      </div>
      {line && (
        <div class="log-detail">
          <header>
            <span class="muted">
              {utc(new Date(line.at))}, attempt {line.attempt}, {line.source}, {line.level}
            </span>
            <CopyButton text={line.message} />
          </header>
          <pre tabIndex={0}>{line.message}</pre>
        </div>
      )}
    </section>
  );
}

interface LogRowProps {
  index: number;
  line: LogLine;
  text: string;
  isSelected: boolean;
  onSelect: (index: number) => void;
}

/** Drawn once: scrolling leaves the rows alone that stay in sight. */
class LogRow extends Component<LogRowProps> {
  override shouldComponentUpdate(next: LogRowProps): boolean {
    const { line, text, isSelected } = this.props;
    return line !== next.line || text !== next.text || isSelected !== next.isSelected;
  }

  override render({ index, line, text, isSelected, onSelect }: LogRowProps) {
    const at = new Date(line.at);
    return (
      <div
        class={`log-row level-${line.level} ${isSelected ? "selected" : ""}`}
        role="listitem"
        onClick={() => onSelect(index)}
      >
        <time dateTime={line.at} title={utc(at)}>
          {timeOfDay(at)}.{String(at.getMilliseconds()).padStart(3, "0")}
        </time>
        <span class="log-level">{line.level}</span>
        <span class="log-message">{marked(line.message, text)}</span>
      </div>
    );
  }
}

/** The first place where the text is found, marked. */
function marked(message: string, text: string) {
  const at = text ? message.toLowerCase().indexOf(text.toLowerCase()) : -1;
  if (at < 0) return message;
  return (
    <>
      {message.slice(0, at)}
      <mark>{message.slice(at, at + text.length)}</mark>
      {message.slice(at + text.length)}
    </>
  );
}
