/** Plots over time, drawn by uPlot in the page's own colours. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import UPlot, { type AlignedData, type Options, type Series } from "uplot";
import { effect } from "@preact/signals";
import { long, utc } from "../format/time.ts";
import { theme } from "../live/theme.ts";

export interface Line {
  label: string;
  /** A custom property of the style sheet. */
  colour: string;
  /** Dots rather than a line, for events. */
  isDots?: boolean;
  values: (number | null)[];
}

interface PlotProps {
  label: string;
  /** Seconds since 1970, growing. */
  times: number[];
  lines: Line[];
  show: (value: number) => string;
  height?: number;
  /** What differs by orders of magnitude. */
  isLogarithmic?: boolean;
  /** Ticks at powers of two, for bytes. */
  isBinary?: boolean;
  onPoint?: (index: number) => void;
}

const POWERS_OF_TWO = Array.from({ length: 45 }, (_, power) => 2 ** power);

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const tick = {
  second: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  minute: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }),
  day: new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }),
};

const whereOnePoints = (at: Date) => `${long(at)} (${utc(at)})`;

/** Ticks of time as short as their distance allows. */
function timeTicks(ticks: number[]): string[] {
  const step = (ticks[1] ?? 0) - (ticks[0] ?? 0);
  const format = step >= 86_400 ? tick.day : step >= 60 ? tick.minute : tick.second;
  const words = ticks.map((at) => format.format(at * 1000));
  // Several within a second say so once.
  return words.map((text, at) => (text === words[at - 1] ? "" : text));
}

/** Room beside the first and the last, and for one alone. */
const aside = (least: number, most: number): [number, number] => {
  const room = Math.max((most - least) * 0.03, 0.5);
  return [least - room, most + room];
};

/** The powers of ten that what there is lies between. */
function decades(least: number, most: number): [number, number] {
  const [low, high] = [Math.floor(Math.log10(least || 1)), Math.ceil(Math.log10(most || 1))];
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}

/** The powers of ten from one to another. */
function tens(least: number, most: number): number[] {
  const powers = [];
  for (let power = Math.round(Math.log10(least)); power <= Math.round(Math.log10(most)); power++)
    powers.push(10 ** power);
  return powers;
}

function options(props: PlotProps, width: number): Options {
  const { lines, show, height = 180, isLogarithmic, isBinary } = props;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: resolved("--muted"),
    font,
    grid: { stroke: resolved("--line"), width: 1 },
    ticks: { show: false },
  };
  const series = lines.map((line): Series => ({
    label: line.label,
    stroke: line.isDots ? undefined : resolved(line.colour),
    width: 1.5,
    fill: line.isDots ? undefined : `color-mix(in srgb, ${resolved(line.colour)} 12%, transparent)`,
    paths: line.isDots ? () => null : undefined,
    points: {
      // A line needs two ends.
      show: line.isDots ?? ((plot) => plot.data[0].length <= 3),
      size: 7,
      fill: resolved(line.colour),
      stroke: resolved(line.colour),
    },
    value: (_, value) => (value === null ? "" : show(value)),
  }));
  return {
    width,
    height,
    series: [
      { label: "", value: (_, at) => (at === null ? "" : whereOnePoints(new Date(at * 1000))) },
      ...series,
    ],
    axes: [
      { ...axis, space: 80, size: 32, values: (_, ticks) => timeTicks(ticks) },
      {
        ...axis,
        size: 70,
        incrs: isBinary ? POWERS_OF_TWO : undefined,
        splits: isLogarithmic ? (_, __, least, most) => tens(least, most) : undefined,
        filter: (_, ticks) => ticks,
        values: (_, ticks) => ticks.map((value) => show(value)),
      },
    ],
    scales: {
      x: { range: (_, least, most) => aside(least, most) },
      y: isLogarithmic
        ? { distr: 3, log: 10, range: (_, least, most) => decades(least, most) }
        : { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] },
    },
    cursor: { points: { size: 9 }, drag: { x: true, y: false } },
    legend: {
      show: true,
      live: true,
      markers: { fill: (_, at) => resolved(lines[at - 1]?.colour ?? "--muted"), width: 0 },
    },
  };
}

/** `light-dark(...)` as the one colour that it is now; a canvas cannot tell. */
function resolved(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name}, ${colour(name)})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** A scale needs two ends: one point alone gets company that is not drawn. */
const ASIDE_SECONDS = 60;

function drawn({ times, lines }: PlotProps): AlignedData {
  const [alone] = times;
  if (times.length !== 1 || alone === undefined) return [times, ...lines.map((line) => line.values)];
  const ends = [alone - ASIDE_SECONDS, alone, alone + ASIDE_SECONDS];
  return [ends, ...lines.map((line) => [null, line.values[0] ?? null, null])];
}

export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const data = drawn(props);

  // Before the first frame: it would be one without the room that the plot takes.
  useLayoutEffect(() => {
    const element = place.current!;
    const draw = () => {
      plot.current?.destroy();
      const made = new UPlot(options(latest.current, element.clientWidth), data, element);
      made.over.addEventListener("click", () => {
        const { idx } = made.cursor;
        if (idx != null) latest.current.onPoint?.(Math.min(idx, latest.current.times.length - 1));
      });
      plot.current = made;
    };
    const observer = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: latest.current.height ?? 180 });
    });
    observer.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    const stop = effect(() => {
      // Colours are the theme's.
      void theme.value;
      draw();
    });
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", draw);
      stop();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data));
  return <div ref={place} class="plot" role="img" aria-label={props.label} />;
}

/** What takes the room of a plot until there is one. */
export function PlotRoom({ isTall }: { isTall?: boolean }) {
  return <div class={`loading plot-room ${isTall ? "tall" : ""}`} role="status" aria-label="Loading" />;
}
