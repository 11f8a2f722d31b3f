/**
 * The public JSON parsing suite: documents that must be accepted (y_), refused (n_), or may be either (i_), each as it
 * is and as the payload of a request. Read from the folder `shared` beside the checkout; without it only a note is printed.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseClientMessage, parseServerMessage, printMessage, type ClientMessage, type Parsed } from "../src/index.ts";

const folder = join(import.meta.dirname, "../../../../shared/suites/json");
const limits = { messageBytes: 1_048_576, depth: 1_000 };

const VERDICTS: Readonly<Record<string, readonly string[]>> = {
  y_: ["accepted"],
  n_: ["INVALID_MESSAGE"],
  i_: ["accepted", "INVALID_MESSAGE"],
};

/** What was accepted is what stands in the document, and is printed so; -0, printed as 0, excepted. */
function expectKept(parsed: Parsed<ClientMessage>, document: Uint8Array): void {
  if (!parsed.ok) return;
  const { payload } = parsed.message as ClientMessage<"request">;
  expect(payload).toEqual(JSON.parse(new TextDecoder().decode(document)));
  const printed = printMessage(parsed.message);
  const again = parseClientMessage(printed, limits);
  expect(again.ok && printMessage(again.message)).toBe(printed);
}

function wrapped(document: Uint8Array): Uint8Array {
  const [before, after] = [`{"type":"request","id":"r1","action":"a","payload":`, "}"].map((text) => new TextEncoder().encode(text));
  return Buffer.concat([before!, document, after!]);
}

if (!existsSync(folder)) {
  it("P12 the JSON suite is not beside this checkout: its documents are not tested here", () => {
    console.log("The JSON suite is not beside this checkout (../shared/suites): its documents are not tested here.");
    expect(existsSync(folder)).toBe(false);
  });
} else {
  describe("P12 the JSON suite", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    it("is there", () => expect(names.length).toBeGreaterThan(300));

    it.each(names)("%s", (name) => {
      const document = readFileSync(join(folder, name));
      const [bare, server, inside] = [
        parseClientMessage(document, limits),
        parseServerMessage(document, limits),
        parseClientMessage(wrapped(document), limits),
      ];
      // None is a frame by itself.
      for (const parsed of [bare, server]) expect(parsed).toMatchObject({ ok: false });
      expect(inside.ok ? "accepted" : inside.error.code).toBeOneOf(VERDICTS[name.slice(0, 2)]!);
      expectKept(inside, document);
    });
  });
}
