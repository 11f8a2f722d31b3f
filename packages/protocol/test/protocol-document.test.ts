/** docs/protocol.md says what the code does: frames and fields, error codes, examples. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  CLIENT_SHAPES,
  ERROR_CODES,
  SERVER_SHAPES,
  parseClientMessage,
  parseServerMessage,
  wireError,
  type ErrorCode,
  type ErrorCodeEntry,
} from "../src/index.ts";

const text = readFileSync(join(import.meta.dirname, "../../../docs/protocol.md"), "utf8");

/** What no client can be shown by a server on a bare socket, and where it is tested instead. */
const UNCITED: Readonly<Record<string, string>> = {
  "1": "the promises; their tests name them",
  "2": "a chapter",
  "2.4": "takes a minute of silence; embedded/test and client/test, with a clock of their own",
  "3.4": "for clients: client/test",
  "3.5": "what words mean",
  "3.9": "only where frames are small: parts.test.ts, aws-local/test",
  "4": "a chapter",
  "5": "a chapter",
  "6": "a chapter",
  "5.5": "contract/waits.ts",
  "5.14": "as 3.9",
  "12": "the suite itself",
  "12.1": "run by itself, and tested beside its verdicts",
};

/** The text under a heading, up to the next of the same depth or above. */
function section(heading: RegExp): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => heading.test(line));
  expect(start, `a heading that matches ${heading}`).toBeGreaterThanOrEqual(0);
  const end = lines.findIndex((line, at) => at > start && /^#{2,3} /.test(line));
  return lines.slice(start, end < 0 ? undefined : end).join("\n");
}

const rows = (markdown: string, columns: number): readonly (readonly string[])[] =>
  markdown
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => cells.length === columns)
    .slice(1);

describe.each([
  ["4", CLIENT_SHAPES],
  ["5", SERVER_SHAPES],
])("docs/protocol.md §%s", (chapter, shapes) => {
  it("describes every frame, and no other", () => {
    const headings = text.split("\n").flatMap((line) => new RegExp(`^### ${chapter}\\.\\d+ \`(\\w+)\`$`).exec(line)?.[1] ?? []);
    expect(headings.sort()).toEqual(Object.keys(shapes).sort());
  });

  it.each(Object.entries(shapes))("describes every field of %s, and whether it is required", (type, shape) => {
    const fields = rows(section(new RegExp(`^### ${chapter}\\.\\d+ \`${type}\`$`)), 4).map(([name, , required]) => [
      name!.replaceAll("`", ""),
      required,
    ]);
    const expected = Object.entries(shape).map(([name, field]) => [name, (field as { optional?: boolean }).optional ? "no" : "yes"]);
    expect(Object.fromEntries(fields)).toEqual(Object.fromEntries(expected));
  });
});

it("docs/protocol.md §9 and the table of error codes agree", () => {
  const documented = rows(section(/^## 9\. /), 4).map(([code, retryable, closeCode, meaning]) => ({ code, retryable, closeCode, meaning }));
  const table = Object.entries<ErrorCodeEntry>(ERROR_CODES).map(([code, { retryable, closeCode, meaning }]) => ({
    code,
    retryable: retryable ? "yes" : "no",
    closeCode: String(closeCode ?? ""),
    meaning,
  }));
  expect(documented).toEqual(table);
});

it("an error's retryability comes from the table", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    expect(wireError(code, "m", { afterMs: 1.2 })).toEqual({
      code,
      message: "m",
      retry: { retryable: ERROR_CODES[code].retryable, after_ms: 2 },
    });
  }
});

describe("the examples of docs/protocol.md are messages", () => {
  const blocks = [...text.matchAll(/```json (client|server)\n([\s\S]*?)```/g)];
  const examples = blocks.flatMap(([, side, body]) =>
    body!
      .trim()
      .split("\n")
      .map((line) => [side!, line] as const),
  );

  it.each(examples)("%s: %s", (side, line) => {
    expect(side === "client" ? parseClientMessage(line) : parseServerMessage(line)).toMatchObject({ ok: true });
  });
  it("of every type", () => {
    const types = examples.map(([side, line]) => `${side} ${(JSON.parse(line) as { type?: string }).type ?? "request"}`);
    const all = [
      ...Object.keys(CLIENT_SHAPES).map((type) => `client ${type}`),
      ...Object.keys(SERVER_SHAPES).map((type) => `server ${type}`),
    ];
    expect([...new Set(types)].sort()).toEqual(all.sort());
  });
});

describe("the sections of docs/protocol.md", () => {
  const sections = [...text.matchAll(/^(?:#{2,4} |- )(\d+(?:\.\d+)*)\.? /gm)].map(([, number]) => number!);
  const cited = (pattern: string): ReadonlySet<string> => {
    const files = globSync(pattern, { cwd: join(import.meta.dirname, "../../..") });
    expect(files.length).toBeGreaterThan(0);
    const sources = files.map((file) => readFileSync(join(import.meta.dirname, "../../..", file), "utf8"));
    return new Set(sources.flatMap((source) => [...source.matchAll(/(?<!RFC \d+ )§(\d+(?:\.\d+)*)/g)].map(([, number]) => number!)));
  };

  it("are numbered once", () => {
    expect(sections).toEqual([...new Set(sections)]);
  });

  it("are there when code or a test cites them", () => {
    expect([...cited("{packages,tools}/*/{src,test,conformance}/**/*.ts")].filter((number) => !sections.includes(number))).toEqual([]);
  });

  it("are cited by the wire suite, or there is a reason why not", () => {
    const wire = cited("packages/contract/src/wire/*.ts");
    expect(sections.filter((number) => !wire.has(number))).toEqual(sections.filter((number) => number in UNCITED));
  });
});
