/** Lines of a log, and which of them are shown. Adding and filtering take time by what is new. */

import type { Level, LogLine } from "../api/types.ts";

export const LEVELS: Level[] = ["trace", "debug", "info", "warn", "error"];

/** What a page holds at most; older lines are let go. A log of 64 MiB may have more. */
export const LINES_MAX = 400_000;
/** Let go at once, so that it does not happen with every line. */
const LET_GO = 50_000;

export interface LogFilter {
  level: Level;
  /** Lower case. */
  text: string;
}

export class Log {
  lines: LogLine[] = [];
  /** Indices of the lines that match. */
  shown: number[] = [];
  /** Lines that were let go. */
  dropped = 0;
  private filter: LogFilter = { level: "trace", text: "" };

  get last(): LogLine | undefined {
    return this.lines[this.lines.length - 1];
  }

  add(lines: LogLine[]): void {
    const from = this.lines.length;
    for (const line of lines) this.lines.push(line);
    if (this.lines.length > LINES_MAX) {
      const gone = this.lines.length - LINES_MAX + LET_GO;
      this.lines = this.lines.slice(gone);
      this.dropped += gone;
      this.show(this.filter);
    } else {
      this.match(from);
    }
  }

  clear(): void {
    this.lines = [];
    this.shown = [];
    this.dropped = 0;
  }

  show(filter: LogFilter): void {
    this.filter = filter;
    this.shown = [];
    this.match(0);
  }

  private match(from: number): void {
    const { text } = this.filter;
    const least = LEVELS.indexOf(this.filter.level);
    for (let at = from; at < this.lines.length; at++) {
      const line = this.lines[at]!;
      if (least > 0 && LEVELS.indexOf(line.level) < least) continue;
      if (text && !line.message.toLowerCase().includes(text)) continue;
      this.shown.push(at);
    }
  }
}
