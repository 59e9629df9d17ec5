// JSON as rows have it: integers that a Number cannot hold are BigInts, on the way in and out.

const SAFE = /^-?\d{1,15}$/;
const INTEGER = /^-?\d+$/;
// A string, or a number. What is in strings is passed over.
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = '\u0000sandglass:';

/** Parses JSON text. Throws a SyntaxError where it is none. */
export function parse(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  // Checks the text as it is: what is parsed below would hide some faults.
  JSON.parse(text);
  const marked = text.replace(TOKENS, (token) =>
    INTEGER.test(token) && !SAFE.test(token) && !Number.isSafeInteger(Number(token))
      ? JSON.stringify(MARK + token)
      : token,
  );
  return JSON.parse(marked, (_, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  );
}

/** The JSON text of a value. Dates are RFC 3339 text, BigInts are integers. Throws a TypeError where it has none. */
export function stringify(value) {
  let hasBig = false;
  const text = JSON.stringify(value, (_, member) => {
    if (typeof member !== 'bigint') return member;
    hasBig = true;
    return MARK + member;
  });
  if (text === undefined) throw new TypeError(`${typeof value} has no JSON`);
  return hasBig ? text.replace(/"\\u0000sandglass:(-?\d+)"/g, '$1') : text;
}
