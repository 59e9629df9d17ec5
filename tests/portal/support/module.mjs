// A core module as a compiler of another language would make it, by hand: a program that prints one line.

/** LEB128, as WebAssembly writes numbers. */
function number(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return bytes;
}

const list = (items) => [...number(items.length), ...items.flat()];
const text = (words) => list([...Buffer.from(words)]);
const section = (id, content) => [id, ...list(content)];

const I32 = 0x7f;
const FUNCTION = 0x60;
/** In memory: where the text is and how long, then how much of it was taken, then the text. */
const [PIECE_AT, TAKEN_AT, TEXT_AT] = [0, 8, 12];
const STDOUT = 1;

/** `tools` are pairs of a name and a version. */
export function program({ line, language, tools }) {
  const said = [...Buffer.from(`${line}\n`)];
  const constant = (value) => [0x41, value];
  const word = (value) => [value & 0xff, value >> 8, 0, 0];
  const memory = [...word(TEXT_AT), ...word(said.length), ...word(0), ...said];
  // fd_write(STDOUT, PIECE_AT, 1, TAKEN_AT); drop; end
  const code = [0, ...[STDOUT, PIECE_AT, 1, TAKEN_AT].flatMap(constant), 0x10, 0, 0x1a, 0x0b];
  const values = (pairs) => list(pairs.map(([name, version]) => [...text(name), ...text(version)]));
  const producers = list([
    [...text("language"), ...values([[language, ""]])],
    [...text("processed-by"), ...values(tools)],
  ]);
  return Buffer.from([
    ...Buffer.from("\0asm"),
    ...[1, 0, 0, 0],
    ...section(
      1,
      list([
        [FUNCTION, ...list([]), ...list([])],
        [FUNCTION, ...list([[I32], [I32], [I32], [I32]]), ...list([[I32]])],
      ]),
    ),
    ...section(2, list([[...text("wasi_snapshot_preview1"), ...text("fd_write"), 0, 1]])),
    ...section(3, list([[0]])),
    ...section(5, list([[0, 1]])),
    ...section(
      7,
      list([
        [...text("memory"), 2, 0],
        [...text("_start"), 0, 1],
      ]),
    ),
    ...section(10, list([list(code)])),
    ...section(11, list([[0, ...constant(PIECE_AT), 0x0b, ...list(memory)]])),
    ...section(0, [...text("producers"), ...producers]),
  ]);
}
