/** `streamer serve --handlers`: what modules of users may be, and what is said of those that cannot be served. */
import { afterEach, expect, it } from "vitest";
import { connect } from "@streamer/client";
import { jsonLines, streamer } from "./command.ts";
import { createProject, handlerModule, type Project } from "./project.ts";

let project: Project | undefined;
afterEach(() => project?.remove());

const SERVE = ["serve", "--port", "0", "--json", "--log-level", "silent"];

/** What a server of these files answers to each action. */
async function answers(files: Record<string, string>, flags: readonly string[], actions: readonly string[]): Promise<readonly unknown[]> {
  project = createProject(files);
  const serve = streamer([...SERVE, ...flags], { cwd: project.folder });
  await serve.printed("\n");
  const [ready] = jsonLines(serve.stdout);
  const client = connect(String(ready!["url"]), { token: String(ready!["token"]) });
  const results = await Promise.all(
    actions.map(async (action) => client.request(action, {}).result.catch((error: { code: string }) => error.code)),
  );
  await client.close();
  serve.kill("SIGTERM");
  expect(await serve.ended).toBe(0);
  return results;
}

it("serves TypeScript with what it imports, and nothing that was not asked for", async () => {
  const files = {
    "my-handlers.ts": `import { word } from "./word.ts";\n${handlerModule("greet", "word")}`,
    "word.ts": `export const word: string = "hello";`,
  };
  expect(await answers(files, ["--handlers", "./my-handlers.ts"], ["greet", "echo"])).toEqual([{ answer: "hello" }, "INVALID_ACTION"]);
});

it("serves default exports, arrays, CommonJS, several modules, and the handlers that ship beside them", async () => {
  const files = {
    "a.ts": `${handlerModule("a", '"A"')}export default a; export const all = [a]; export const limit = 5;`,
    "b.mjs": `${handlerModule("b", '"B"', "one").replace(": string", "")}export default [one];`,
    "c.cjs": `const { z } = require("zod"); module.exports = { action: "c", input: z.object({}), run: () => ({ answer: "C" }) };`,
  };
  const flags = ["--handlers", "a.ts,b.mjs", "--handlers", "c.cjs", "--built-in", "--data", "shop"];
  const data = { ...files, "shop/points.csv": "x,y\n1,2\n" };
  expect(await answers(data, flags, ["a", "b", "c", "echo"])).toEqual([{ answer: "A" }, { answer: "B" }, { answer: "C" }, {}]);
});

it("serves the modules of a folder: not its tests, declarations and folders, and helpers are passed over", async () => {
  const files = {
    "handlers/one.ts": handlerModule("one", '"1"'),
    "handlers/two.mts": handlerModule("two", '"2"'),
    "handlers/helper.ts": "export const nothing: number = 0;",
    "handlers/one.test.ts": "throw new Error('a test was loaded');",
    "handlers/types.d.ts": "export declare const x: number;",
    "handlers/deeper/three.ts": "throw new Error('a folder was entered');",
    "handlers/notes.md": "no module",
  };
  expect(await answers(files, ["--handlers", "handlers"], ["one", "two"])).toEqual([{ answer: "1" }, { answer: "2" }]);
});

const twice = { "one.ts": handlerModule("greet", '"1"'), "two.ts": handlerModule("greet", '"2"', "hello") };
const REFUSED: readonly (readonly [string, Record<string, string>, readonly string[], number, RegExp])[] = [
  ["no file", {}, ["--handlers", "none.ts"], 2, /HANDLERS_NOT_FOUND.*There is no file or folder none\.ts/],
  [
    "no handler",
    { "a.ts": "export const x = 1, y = [2];" },
    ["--handlers", "a.ts"],
    2,
    /NO_HANDLERS.*a\.ts exports no handler: its exports are x, y\. Export what defineHandler/,
  ],
  ["no export", { "a.ts": "const x = 1;" }, ["--handlers", "a.ts"], 2, /NO_HANDLERS.*it exports nothing/],
  ["an empty folder", { "h/x.md": "" }, ["--handlers", "h"], 2, /NO_HANDLERS.*The folder h has no module/],
  ["a folder of helpers", { "h/x.ts": "export {};" }, ["--handlers", "h"], 2, /NO_HANDLERS.*No module in h exports a handler/],
  [
    "one action twice",
    twice,
    ["--handlers", "one.ts,two.ts"],
    2,
    /DUPLICATE_ACTION.*greet.*: .*one\.ts, export greet, and .*two\.ts, export hello/,
  ],
  [
    "an action that ships",
    { "a.ts": handlerModule("echo", '"x"'), "shop/x.csv": "x\n1\n" },
    ["--handlers", "a.ts", "--built-in", "--data", "shop"],
    2,
    /DUPLICATE_ACTION.*the handlers that ship, and .*a\.ts, export echo/,
  ],
  [
    "a handler without run",
    { "a.ts": 'export const h = { action: "a", input: 1 };' },
    ["--handlers", "a.ts"],
    2,
    /NOT_A_HANDLER.*a\.ts, export h: Handler ."a."/,
  ],
  [
    "an array with something else",
    { "a.ts": `${handlerModule("a", '"1"')}export const all = [a, 5];` },
    ["--handlers", "a.ts"],
    2,
    /NOT_A_HANDLER.*export all\[1\] is no handler/,
  ],
  [
    "a module that throws",
    { "a.ts": "export const a = 1;\nthrow new Error('no such table');" },
    ["--handlers", "a.ts"],
    1,
    /MODULE_NOT_LOADED.*a\.ts cannot be loaded: no such table\.\\n {2}at file:.*a\.ts:2:7/,
  ],
  [
    "a slip in TypeScript",
    { "a.ts": "export const a: number = {;" },
    ["--handlers", "a.ts"],
    1,
    /MODULE_NOT_LOADED.*a\.ts:1\\n.*export const a: number = \{;/,
  ],
  [
    "a slip in JavaScript it imports",
    { "a.ts": 'import "./b.mjs";', "b.mjs": "const = 1;" },
    ["--handlers", "a.ts"],
    1,
    /MODULE_NOT_LOADED.*Unexpected token.*in .*b\.mjs/,
  ],
  [
    "TypeScript that is not only types",
    { "a.ts": "export enum A { x }" },
    ["--handlers", "a.ts"],
    1,
    /enum is not supported.*erasableSyntaxOnly/,
  ],
  ["a package that is not there", { "a.ts": 'import "no-such-package";' }, ["--handlers", "a.ts"], 1, /npm install no-such-package/],
  ["an import without its ending", { "a.ts": 'import "./b";', "b.ts": "export {};" }, ["--handlers", "a.ts"], 1, /write the ending, \.ts/],
  [
    "a missing export",
    { "a.ts": 'import { c } from "./b.ts"; c;', "b.ts": "export {};" },
    ["--handlers", "a.ts"],
    1,
    /does not provide an export named 'c'/,
  ],
  ["data without who reads it", { "a.ts": handlerModule("a", '"1"') }, ["--handlers", "a.ts", "--data", "."], 2, /give --built-in/],
  ["nothing at all", {}, ["--no-built-in"], 2, /nothing to serve/],
];

it.each(REFUSED)("%s is refused, by name", async (...[, files, flags, exitCode, problem]) => {
  project = createProject(files);
  const serve = streamer([...SERVE, ...flags], { cwd: project.folder });
  expect([await serve.ended, serve.stderr]).toEqual([exitCode, expect.stringMatching(problem)]);
  expect(serve.stdout).toBe("");
});
