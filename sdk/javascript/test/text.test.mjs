// What has no host: JSON with integers of any size, and UTF-8.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, stringify } from '../json.js';
import { decode, encode } from '../utf8.js';

test('integers beyond 2^53 keep all their digits, and nothing else changes', () => {
  const texts = [
    '{"n":9007199254740993,"m":-9007199254740993}',
    '[1,9007199254740991,12345678901234567890,1.5,1e3]',
    '{"text":"9007199254740993 \\" 12345678901234567890"}',
    '"\\\\"',
  ];
  for (const text of texts) {
    assert.deepEqual(JSON.parse(stringify(parse(text))), JSON.parse(text));
  }
  assert.equal(parse(texts[0]).n, 9007199254740993n);
  assert.equal(stringify(parse(texts[0])), texts[0]);
  assert.equal(parse('[9007199254740991]')[0], 9007199254740991);
  assert.equal(parse(texts[2]).text, '9007199254740993 " 12345678901234567890');
  for (const text of ['{"n":9007199254740993', '[01234567890123456789]']) assert.throws(() => parse(text), SyntaxError);
});

test('what has no JSON is refused', () => {
  assert.throws(() => stringify(undefined), TypeError);
  assert.throws(() => stringify(() => 1), TypeError);
  assert.equal(stringify({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}');
});

test('UTF-8 is what every other decoder makes of it', () => {
  const texts = ['', 'a', 'Grüße', '€', '🌍x', '\u{10ffff}\u0000', '\ud800', 'x\udc00y'];
  for (const text of texts) assert.deepEqual(encode(text), new TextEncoder().encode(text));
  const bytes = [[0x61], [0xc3, 0xbc], [0xc0, 0x80], [0xe2, 0x82, 0xac], [0xed, 0xa0, 0x80], [0xff, 0x61], [0xf0, 0x9f, 0x8c, 0x8d]];
  for (const list of bytes) {
    const decoded = decode(new Uint8Array(list));
    const wanted = new TextDecoder().decode(new Uint8Array(list));
    // How many marks stand for what is none differs; that there is one does not.
    assert.equal(decoded.replace(/\ufffd+/g, '\ufffd'), wanted.replace(/\ufffd+/g, '\ufffd'));
  }
});
