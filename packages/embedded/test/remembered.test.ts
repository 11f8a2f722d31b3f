/** What short requests were answered: told again word for word, for as long as it is remembered. */
import type { RequestKey } from "@streamer/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createRememberedAnswers } from "../src/remembered.ts";

const key = (n: number | string): RequestKey => `t/u/${encodeURIComponent(n)}` as RequestKey;
const forAMinute = (now: number) => ({ now, until: now + 60_000 });

it("are told as they were, whatever is written in them, until their time is over", () => {
  const answers = createRememberedAnswers();
  const texts = fc.string({ unit: "grapheme", maxLength: 400 });
  fc.assert(
    fc.property(texts, texts, fc.option(texts, { nil: undefined }), (id, fingerprint, text) => {
      answers.put(key(id), { fingerprint, text }, forAMinute(0));
      expect(answers.find(key(id), 59_999)).toEqual({ fingerprint, text });
      expect(answers.find(key(id), 60_000)).toBeUndefined();
    }),
  );
  expect(answers.find(key("never asked"), 0)).toBeUndefined();
});

it("two keys of one hash are told apart", () => {
  const answers = createRememberedAnswers();
  // FNV-1a of 30 bits collides once in some 33,000 keys: among 200,000 there are pairs.
  const count = 60_000;
  for (let n = 0; n < count; n += 1) answers.put(key(n), { fingerprint: "", text: `${n}` }, forAMinute(0));
  let kept = 0;
  for (let n = 0; n < count; n += 1) {
    const found = answers.find(key(n), 1);
    if (!found) continue;
    kept += 1;
    expect(found.text).toBe(`${n}`);
  }
  expect(kept).toBe(count);
});

it("P14 take bounded memory: the oldest make way, as does what is over", () => {
  const answers = createRememberedAnswers();
  const text = "x".repeat(100_000);
  for (let n = 0; n < 400; n += 1) answers.put(key(n), { fingerprint: "f", text }, forAMinute(n));
  expect(answers.find(key(0), 400)).toBeUndefined();
  expect(answers.find(key(399), 400)).toEqual({ fingerprint: "f", text });
  const kept = Array.from({ length: 400 }, (_, n) => answers.find(key(n), 400)).filter(Boolean).length;
  expect(kept).toBeGreaterThan(100);
  expect(kept).toBeLessThan(130);
  for (let n = 400; n < 410; n += 1) answers.put(key(n), { fingerprint: "f", text }, forAMinute(100_000));
  expect(answers.find(key(399), 100_000)).toBeUndefined();
  expect(answers.find(key(409), 100_001)?.text).toBe(text);
});

it("one larger than a block is told, too", () => {
  const answers = createRememberedAnswers();
  const text = "é".repeat(300_000);
  answers.put(key(1), { fingerprint: "f", text }, forAMinute(0));
  answers.put(key(2), { fingerprint: "g", text: undefined }, forAMinute(0));
  expect(answers.find(key(1), 1)).toEqual({ fingerprint: "f", text });
  expect(answers.find(key(2), 1)).toEqual({ fingerprint: "g", text: undefined });
});
