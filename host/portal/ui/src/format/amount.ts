/** Numbers for people. */

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const figures = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

export const count = (value: number): string => plain.format(value);

const PREFIXES = ["", "k", "M", "G", "T", "P"];

/** `9,871`, `60.8 k`, `10 G` */
export function short(value: number): string {
  if (value < 10_000) return plain.format(value);
  const power = Math.min(Math.floor(Math.log10(value) / 3), PREFIXES.length - 1);
  return `${figures.format(value / 1000 ** power)} ${PREFIXES[power]}`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `1.1 MiB` */
export function bytes(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${rest.toFixed(unit > 0 && rest < 10 ? 1 : 0).replace(/\.0$/, "")} ${UNITS[unit]}`;
}

/** The bytes that a limit such as `64MiB` means. */
export function parseBytes(text: string | number): number | undefined {
  const match = /^(\d+)(B|KiB|MiB|GiB)?$/.exec(String(text));
  if (!match) return undefined;
  return Number(match[1]) * 1024 ** UNITS.indexOf(match[2] ?? "B");
}

/** The milliseconds that a span such as `90s` means. */
export function parseSpan(text: string): number | undefined {
  const match = /^(\d+)(ms|s|m|h|d|w)$/.exec(text);
  const unit = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[match?.[2] ?? ""];
  return match && unit ? Number(match[1]) * unit : undefined;
}

export const percent = (part: number, whole: number): number =>
  whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0;
