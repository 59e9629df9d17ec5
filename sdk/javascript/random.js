// Numbers of chance for an engine that was started when the job was built: its own would be the same in every run.

/** A function like Math.random, whose numbers follow from a text. They are not for secrets. */
export function randomOf(text) {
  let [x, y, z, w] = ['a', 'b', 'c', 'd'].map((salt) => hash(salt + text));
  // Marsaglia's xorshift of 128 bits.
  const next = () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w >>> 0;
  };
  for (let round = 0; round < 20; round++) next();
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** FNV-1a. */
function hash(text) {
  let state = 0x811c9dc5;
  for (const character of text) state = Math.imul(state ^ character.codePointAt(0), 0x01000193);
  return state;
}
