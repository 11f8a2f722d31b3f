/** Every import of the tree is an edge of the table, the table names all there is, and lint is what the table says. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allImports, importsIn, isTest, partOf, roomOf, sources, type Import } from "./imports.ts";
import { LINT_FILE, entryPoints, lintFile } from "./lint.ts";
import { DECLARED, PARTS, type Room } from "./table.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const imports = allImports(ROOT);
const entries = entryPoints(ROOT);

/** The edges that an import takes, any of which would allow it: none when it stays in its part, or leaves the tree. */
function packageEdges({ file, target, isType, names }: Import): readonly string[] {
  const point = target.startsWith("@streamer/") ? target.replace("@streamer/", "") : undefined;
  if (point === undefined) {
    const to = /^[\w.-]+\//.test(target) && existsSync(join(ROOT, target.split("/")[0]!)) ? partOf(target) : undefined;
    return to === undefined || to === partOf(file) ? [] : [to];
  }
  const whole = point.split("/")[0]!;
  const only = names?.length === 1 ? [`type ${whole}#${names[0]}`] : [];
  return [point, whole, ...(isType ? [`type ${point}`, `type ${whole}`, ...only] : [])];
}

function roomEdges({ file, target, isType }: Import): readonly string[] {
  const part = partOf(file);
  const rooms = part && PARTS[part]?.rooms;
  if (!rooms || isTest(file) || partOf(target) !== part || !target.startsWith(`${part}/src/`)) return [];
  const [from, to] = [file, target].map((path) => roomOf(rooms, path.replace(`${part}/src/`, "")) ?? "none");
  return from === to ? [] : [`${from} -> ${to}`, ...(isType ? [`${from} -> type ${to}`] : [])];
}

const roomTable = (rooms: Readonly<Record<string, Room>>): readonly string[] =>
  Object.entries(rooms).flatMap(([name, { imports: to }]) => to.map((edge) => `${name} -> ${edge}`));

/** What is wrong with an import, if anything is. */
function problem(one: Import): string | undefined {
  const part = PARTS[partOf(one.file) ?? ""];
  const shown = `${one.file} imports ${one.isType ? "types of " : ""}${one.target}`;
  if (!part) return `${one.file} is in no part of the table`;
  const allowed = new Set([...part.imports, ...(isTest(one.file) ? (part.tests ?? []) : [])]);
  const taken = packageEdges(one);
  if (taken.length > 0 && !taken.some((edge) => allowed.has(edge))) return shown;
  if (part.anywhere && !isTest(one.file) && one.target.startsWith("node:")) return shown;
  const inside = roomEdges(one);
  return inside.length > 0 && !inside.some((edge) => roomTable(part.rooms!).includes(edge)) ? `${shown} (${inside[0]})` : undefined;
}

/** Not spelled out: it would be an import of this file. */
const dynamic = (specifier: string): string => `const x = await import("${specifier}");`;
const plant = (file: string, statement: string): string | undefined => importsIn(file, statement).map(problem).find(Boolean);

describe("the table of edges", () => {
  it("names every workspace, and every file is in a part", () => {
    const { workspaces } = JSON.parse(read("package.json")) as { workspaces: readonly string[] };
    const folders = workspaces
      .flatMap((glob) => globSync(`${glob}/package.json`, { cwd: ROOT }))
      .map((path) => path.replace("/package.json", ""));
    expect(folders.filter((folder) => !(folder in PARTS))).toEqual([]);
    expect(Object.keys(PARTS).filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
    expect(sources(ROOT).filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  it("names every room, and every file is in one", () => {
    for (const [folder, { rooms }] of Object.entries(PARTS)) {
      if (!rooms) continue;
      const files = globSync("**/*.ts", { cwd: join(ROOT, folder, "src") }).filter((file) => !isTest(file));
      expect(files.filter((file) => roomOf(rooms, file) === undefined)).toEqual([]);
      const known = new Set(Object.keys(rooms));
      const named = Object.values(rooms).flatMap(({ imports: to }) => to.map((edge) => edge.replace(/^type /, "")));
      expect(named.filter((name) => !known.has(name))).toEqual([]);
      expect(
        Array.from(known).filter((name) => !files.some((file) => roomOf(rooms, file) === name)),
        `empty rooms of ${folder}`,
      ).toEqual([]);
    }
  });

  it("names packages that there are", () => {
    const known = new Set([...Object.values(entries).flat(), ...Object.keys(PARTS)]);
    const edges = Object.values(PARTS).flatMap((part) => [...part.imports, ...(part.tests ?? [])]);
    expect(edges.map((edge) => edge.replace(/^type /, "").split("#")[0]!).filter((edge) => !known.has(edge))).toEqual([]);
  });

  it("has no edge that nothing takes, but for the declared order of the stages", () => {
    const idle = Object.entries(PARTS).flatMap(([folder, part]) => {
      const own = imports.filter(({ file }) => partOf(file) === folder);
      const [code, tests] = [own.filter(({ file }) => !isTest(file)), own.filter(({ file }) => isTest(file))];
      const isTaken = (edge: string, by: readonly Import[]): boolean => by.some((one) => packageEdges(one).includes(edge));
      const byRoom = new Set(own.flatMap(roomEdges));
      const ordered = new Set(Object.entries(DECLARED).flatMap(([stage, below]) => below.map((to) => `${stage} -> ${to}`)));
      const isIdle = (edge: string): boolean => !byRoom.has(edge) && !ordered.has(edge);
      return [
        ...part.imports.filter((edge) => !isTaken(edge, code)).map((edge) => `${folder}: ${edge}`),
        ...(part.tests ?? []).filter((edge) => !isTaken(edge, tests)).map((edge) => `${folder}, tests: ${edge}`),
        ...(part.rooms
          ? roomTable(part.rooms)
              .filter(isIdle)
              .map((edge) => `${folder}: ${edge}`)
          : []),
      ];
    });
    expect(idle).toEqual([]);
  });

  it("leads round in no circle, types aside", () => {
    const graphs = [
      Object.fromEntries(
        Object.entries(entries).map(([name]) => {
          const [, part] = Object.entries(PARTS).find(([folder]) => folder.endsWith(`/${name}`)) ?? [];
          return [name, (part?.imports ?? []).filter((edge) => !edge.startsWith("type ")).map((edge) => edge.split("/")[0]!)];
        }),
      ),
      ...Object.values(PARTS).flatMap(({ rooms }) =>
        rooms
          ? [
              Object.fromEntries(
                Object.entries(rooms).map(([name, { imports: to }]) => [name, to.filter((edge) => !edge.startsWith("type "))]),
              ),
            ]
          : [],
      ),
    ];
    for (const graph of graphs) {
      const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
        (graph[from] ?? []).some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))));
      expect(Object.keys(graph).filter((name) => reaches(name, name))).toEqual([]);
    }
  });
});

it("every import is an edge of the table", () => {
  expect(imports.length).toBeGreaterThan(2_000);
  expect(imports.flatMap((one) => problem(one) ?? [])).toEqual([]);
});

it("lint is printed from the table: npm run edges", () => {
  expect(JSON.parse(read(LINT_FILE))).toEqual(lintFile(ROOT));
  expect((JSON.parse(read(".oxlintrc.json")) as { extends: readonly string[] }).extends).toEqual([`./${LINT_FILE}`]);
  expect(read(".oxlintrc.json")).not.toContain("no-restricted-imports");
});

describe("what is not an edge is refused", () => {
  it.each([
    ["a package", "packages/aws/src/engine.ts", 'import { x } from "@streamer/embedded";'],
    ["a type of a package", "packages/auth/src/keys.ts", 'import type { X } from "@streamer/client";'],
    ["a package, when it is needed", "packages/core/src/streamer.ts", dynamic("@streamer/aws")],
    ["a package, passed on", "packages/client/src/index.ts", 'export * from "@streamer/core";'],
    ["an entry point", "apps/infra/src/app.ts", 'import { x } from "@streamer/aws/bucket";'],
    ["another type than the one", "packages/models/src/model.ts", 'import type { JsonValue } from "@streamer/protocol";'],
    ["a package for tests alone", "packages/embedded/src/engine.ts", 'import { x } from "@streamer/contract";'],
    ["files of another part", "packages/cli/src/main.ts", 'import { x } from "../../client/src/index.ts";'],
    ["Node, where it does not run", "packages/protocol/src/codec.ts", 'import { x } from "node:fs";'],
    ["a stage above", "packages/core/src/flow/deliver/cursor.ts", 'import { x } from "../runs/runs.ts";'],
    ["a type of a stage above", "packages/core/src/flow/submit.ts", 'import type { Route } from "./route.ts";'],
    ["a stage, from a rule", "packages/core/src/rules/retry.ts", 'import type { X } from "../flow/learn.ts";'],
    ["a value, where types are allowed", "packages/core/src/rules/retry.ts", 'import { defineHandler } from "../handler.ts";'],
    ["a value, from a port", "packages/core/src/ports/events.ts", 'import { x } from "../rules/waiting.ts";'],
    ["a room of an engine", "packages/embedded/src/sqlite/database.ts", 'import { x } from "../server/http.ts";'],
    ["one handler, from another", "packages/handlers/src/duckdb/database.ts", 'import { x } from "../process-data/run.ts";'],
    ["an app", "packages/aws/src/engine.ts", 'import { x } from "../../../apps/infra/src/stack.ts";'],
  ])("%s", (_, file, statement) => expect(plant(file, statement)).toBeDefined());

  it.each([
    ["a stage below", "packages/core/src/flow/receive/control.ts", 'import { x } from "../deliver/deliver.ts";'],
    ["a type where types are allowed", "packages/core/src/rules/retry.ts", 'import { type AnyHandler } from "../handler.ts";'],
    ["what a comment shows", "packages/core/src/handler.ts", ' * import { x } from "@streamer/embedded";'],
    ["the contract, from a test", "packages/embedded/test/x.test.ts", 'import { x } from "@streamer/contract";'],
  ])("but not %s", (_, file, statement) => expect(plant(file, statement)).toBeUndefined());
});
