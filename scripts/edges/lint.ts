/**
 * The table as oxlint reads it: run `npm run edges` after a change of the table. Lint refuses packages, rooms and `node:`
 * where the specifier shows them; what it cannot see (files of another part by a relative path, `import()`, whether a
 * single name is a type) is refused by edges.test.ts.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PARTS, type Part, type Room } from "./table.ts";

interface Pattern {
  readonly regex: string;
  readonly allowTypeImports?: true;
  readonly message: string;
}
interface Path {
  readonly name: string;
  readonly allowImportNames: readonly string[];
  readonly message: string;
}
interface Override {
  readonly files: readonly string[];
  readonly rules: {
    readonly "no-restricted-imports": readonly ["error", { readonly paths?: readonly Path[]; readonly patterns?: readonly Pattern[] }];
  };
}

const TEST_FILES = ["**/*.test.ts", "test/**", "conformance/**"];
const quoted = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const oneOf = (all: readonly string[]): string => (all.length === 1 ? all[0]! : `(?:${all.join("|")})`);

/** The entry points of each package, as they are imported: "aws", "aws/table". */
export function entryPoints(root: string): Readonly<Record<string, readonly string[]>> {
  const manifests = Object.keys(PARTS).flatMap((folder) => {
    try {
      return [
        JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
          name: string;
          exports?: Readonly<Record<string, string>>;
        },
      ];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(
    manifests.map(({ name, exports = {} }) => {
      const short = name.replace("@streamer/", "");
      return [
        short,
        [
          short,
          ...Object.keys(exports)
            .filter((path) => path !== ".")
            .map((path) => path.replace(".", short)),
        ],
      ];
    }),
  );
}

function lintOf(root: string): readonly Override[] {
  const entries = entryPoints(root);

  function ofPackages({ anywhere, why }: Part, edges: readonly string[], isTestCode: boolean): { paths: Path[]; patterns: Pattern[] } {
    const named = (edge: string): boolean => Object.hasOwn(entries, edge.replace(/^type /, "").split(/[/#]/)[0] ?? "");
    const values = edges.filter((edge) => named(edge) && !edge.startsWith("type ") && !edge.includes("#"));
    const types = edges.filter((edge) => named(edge) && edge.startsWith("type ")).map((edge) => edge.replace(/^type /, ""));
    const isAllowed = (point: string, by: readonly string[]): boolean => by.includes(point) || by.includes(point.split("/")[0]!);
    const typesOf = types.map((edge) => edge.split("#")[0]!);
    const refused = Object.values(entries).map((points) => ({
      points,
      left: points.filter((point) => !isAllowed(point, values) && !isAllowed(point, typesOf)),
    }));
    const whole = refused.filter(({ points, left }) => left.length === points.length).map(({ points }) => quoted(points[0]!));
    const some = refused.filter(({ points, left }) => left.length > 0 && left.length < points.length).flatMap(({ left }) => left);
    const asPoint = (point: string): string => quoted(point).replace(String.raw`\*`, "[^/]+");
    return {
      paths: types
        .filter((edge) => edge.includes("#"))
        .map((edge) => ({ name: `@streamer/${edge.split("#")[0]}`, allowImportNames: [edge.split("#")[1]!], message: why })),
      patterns: [
        ...(whole.length > 0 ? [{ regex: `^@streamer/${oneOf(whole)}(?:/|$)`, message: why }] : []),
        ...(some.length > 0 ? [{ regex: `^@streamer/${oneOf(some.map(asPoint))}$`, message: why }] : []),
        ...types
          .filter((edge) => !edge.includes("#"))
          .map((edge): Pattern => ({ regex: `^@streamer/${quoted(edge)}(?:/|$)`, allowTypeImports: true, message: why })),
        ...(anywhere && !isTestCode ? [{ regex: "^node:", message: why }] : []),
      ],
    };
  }

  return Object.entries(PARTS)
    .toSorted(([a], [b]) => a.length - b.length)
    .flatMap(([folder, part]) => {
      const packages = ofPackages(part, part.imports, false);
      const override = (
        files: readonly string[],
        { paths, patterns }: { paths: readonly Path[]; patterns: readonly Pattern[] },
      ): Override => ({
        files: files.map((file) => `${folder}/${file}`),
        rules: { "no-restricted-imports": ["error", { ...(paths.length > 0 && { paths }), ...(patterns.length > 0 && { patterns }) }] },
      });
      const rooms = Object.values(part.rooms ?? {}).map((room) => {
        const own = ofRoom(part.rooms!, room, part.why);
        return { room, override: override(filesOf(room), { paths: packages.paths, patterns: [...packages.patterns, ...own] }) };
      });
      return [
        override(["**"], packages),
        // Of two rooms that match, the last counts: a folder before a file in it.
        ...rooms.toSorted((a, b) => depth(a.room) - depth(b.room)).map(({ override: one }) => one),
        override(TEST_FILES, ofPackages(part, [...part.imports, ...(part.tests ?? [])], true)),
      ];
    });
}

const depth = ({ paths }: Room): number => Math.max(...paths.map((path) => path.length));
const filesOf = ({ paths }: Room): readonly string[] =>
  paths.map((path) => `src/${path}${path === "" ? "*.ts" : path.endsWith("/") ? "**" : ""}`);

/** Rooms that are not allowed, by how a specifier ends in them. */
function ofRoom(rooms: Readonly<Record<string, Room>>, room: Room, message: string): readonly Pattern[] {
  const others = Object.entries(rooms).filter(([, other]) => other !== room && !room.imports.includes(nameOf(rooms, other)));
  const refused = others.filter(([name]) => !room.imports.includes(`type ${name}`)).flatMap(([, { paths }]) => paths);
  const onlyTypes = others.filter(([name]) => room.imports.includes(`type ${name}`)).flatMap(([, { paths }]) => paths);
  const allowed = room.imports.flatMap((name) => rooms[name.replace(/^type /, "")]?.paths ?? []);
  // A folder of which a file may be imported, and the files at the top, are told apart by the test alone.
  const isSeen = (path: string): boolean =>
    path !== "" && !(path.endsWith("/") && allowed.some((one) => one !== path && one.startsWith(path)));
  const up = room.paths.every((path) => path.includes("/")) ? "(?:\\.\\./)+" : "(?:\\./|(?:\\.\\./)+)";
  const tail = (path: string): string => {
    if (path.endsWith("/")) return `\\.\\.?/(?:.*/)?${quoted(path.split("/").at(-2)!)}/`;
    const folder = path.split("/").slice(0, -1).join("/");
    if (folder === "") return `${up}${quoted(path)}$`;
    const near = room.paths.some((own) => own.startsWith(`${folder}/`)) ? "(?:\\./|(?:\\.\\./)+)" : `\\.\\.?/(?:.*/)?${quoted(folder)}/`;
    return `${near}${quoted(path.split("/").at(-1)!)}$`;
  };
  const pattern = (paths: readonly string[]): string => `^${oneOf(paths.filter(isSeen).map(tail))}`;
  const some = (paths: readonly string[]): boolean => paths.some(isSeen);
  return [
    ...(some(refused) ? [{ regex: pattern(refused), message }] : []),
    ...(some(onlyTypes) ? [{ regex: pattern(onlyTypes), allowTypeImports: true, message } as const] : []),
  ];
}

const nameOf = (rooms: Readonly<Record<string, Room>>, room: Room): string => Object.keys(rooms).find((name) => rooms[name] === room)!;

export const LINT_FILE = ".oxlint-edges.json";

/** A file that is extended brings its own plugins along: the same as those of the file that extends it. */
export function lintFile(root: string): { readonly plugins: readonly string[]; readonly overrides: readonly Override[] } {
  const { plugins } = JSON.parse(readFileSync(join(root, ".oxlintrc.json"), "utf8")) as { readonly plugins: readonly string[] };
  return { plugins, overrides: lintOf(root) };
}

if (import.meta.main) {
  const root = join(import.meta.dirname, "../..");
  writeFileSync(join(root, LINT_FILE), `${JSON.stringify(lintFile(root), undefined, 2)}\n`);
}
