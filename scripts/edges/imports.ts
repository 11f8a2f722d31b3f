/** What files import, read from their text: `import` and `export … from` statements, `import()`, types too. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PARTS, type Room } from "./table.ts";

export interface Import {
  /** From the root of the tree. */
  readonly file: string;
  /** A path from the root of the tree, or a bare specifier. */
  readonly target: string;
  /** Erased when it runs. */
  readonly isType: boolean;
  /** `undefined` when it is not known by name: a whole module. */
  readonly names: readonly string[] | undefined;
}

const STATEMENT = /^(?:import|export)\b([^"';]*?)\bfrom\s*["']([^"']+)["']/gm;
const BARE = /^import\s*["']([^"']+)["']/gm;
const DYNAMIC = /\bimport\s*\(\s*["']([^"']+)["']/g;

export function importsIn(file: string, text: string): readonly Import[] {
  const code = text.replaceAll(/^\s*(?:\*|\/\/|\/\*).*$/gm, "");
  const target = (specifier: string): string => (specifier.startsWith(".") ? join(dirname(file), specifier) : specifier);
  const statements = Array.from(code.matchAll(STATEMENT), ([, clause = "", specifier = ""]): Import => {
    const names = /\{([^}]*)\}/
      .exec(clause)?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const whole = clause.replace(/\{[^}]*\}/, "").trim();
    const isType = /^type\b/.test(whole) || (whole === "" && names !== undefined && names.every((name) => name.startsWith("type ")));
    return { file, target: target(specifier), isType, names: names?.map((name) => name.replace(/^type /, "").replace(/ as .*$/, "")) };
  });
  const others = [...code.matchAll(BARE), ...code.matchAll(DYNAMIC)];
  return [
    ...statements,
    ...others.map(([, specifier = ""]): Import => ({ file, target: target(specifier), isType: false, names: undefined })),
  ];
}

export const isTest = (file: string): boolean => /(?:^|\/)(?:test|conformance)\/|\.test\.ts$/.test(file);

/** The part a file or folder is in. */
export function partOf(path: string): string | undefined {
  const inside = (folder: string): boolean => path === folder || path.startsWith(`${folder}/`);
  return Object.keys(PARTS)
    .filter(inside)
    .toSorted((a, b) => b.length - a.length)[0];
}

/** The room a file below `src` is in; a path of "" is the files at the top. */
export function roomOf(rooms: Readonly<Record<string, Room>>, path: string): string | undefined {
  const length = (room: string): number =>
    room === "" ? (path.includes("/") ? -1 : 0) : path === room || (room.endsWith("/") && path.startsWith(room)) ? room.length : -1;
  const best = Object.entries(rooms)
    .map(([name, { paths }]) => ({ name, length: Math.max(...paths.map(length)) }))
    .toSorted((a, b) => b.length - a.length)[0];
  return best && best.length >= 0 ? best.name : undefined;
}

/** Every file of ours that imports, in the tree at `root`. */
export function sources(root: string): readonly string[] {
  return globSync(
    ["packages", "tools", "apps", "bench", "examples", "clients", "scripts"].map((top) => `${top}/**/*.{ts,tsx,js,mjs}`),
    {
      cwd: root,
      exclude: (path) => /(?:^|\/)(?:node_modules|dist|build|cdk\.out)(?:\/|$)/.test(path),
    },
  ).toSorted();
}

export const allImports = (root: string): readonly Import[] =>
  sources(root).flatMap((file) => importsIn(file, readFileSync(join(root, file), "utf8")));
