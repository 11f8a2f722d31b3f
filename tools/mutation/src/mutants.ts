/** Core with every mutant in it, each behind a switch: the mutators and the switches are Stryker's. */
import { createHash } from "node:crypto";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Instrumenter, type InstrumenterOptions } from "@stryker-mutator/instrumenter";

export interface Mutant {
  readonly id: string;
  /** Below the root of the repository. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly mutator: string;
  readonly was: string;
  readonly becomes: string;
  /** The line it begins in. */
  readonly text: string;
  /** Names it in the results of another run: file, hash of the file, place and replacement. */
  readonly key: string;
}

export interface Mutated {
  readonly mutants: readonly Mutant[];
  /** By absolute path. */
  readonly sources: Readonly<Record<string, string>>;
  readonly ignoredCount: number;
}

interface SyntaxNode {
  readonly type: string;
  readonly value?: unknown;
  readonly name?: string;
  readonly callee?: SyntaxNode;
  readonly expression?: SyntaxNode;
  readonly object?: SyntaxNode;
  readonly property?: SyntaxNode;
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
}

const isLog = (node: SyntaxNode | undefined): boolean =>
  node?.type === "Identifier" ? node.name === "log" : node?.type === "MemberExpression" && node.property?.name === "log";
const isCallOfLog = ({ type, callee }: SyntaxNode): boolean =>
  /^(Optional)?CallExpression$/.test(type) && /^(Optional)?MemberExpression$/.test(callee?.type ?? "") && isLog(callee?.object);
/** The whole statement, too: leaving it out is a mutant of its own. */
const isLogging = (node: SyntaxNode): boolean =>
  isCallOfLog(node) || (node.type === "ExpressionStatement" && node.expression !== undefined && isCallOfLog(node.expression));
/** What people read has words in it: identifiers and names of the protocol have none. */
const isProse = ({ type, value, quasis }: SyntaxNode): boolean =>
  (type === "StringLiteral" && typeof value === "string" && value.includes(" ")) ||
  (type === "TemplateLiteral" && (quasis ?? []).some(({ value: { raw } }) => raw.includes(" ")));

const OPTIONS: InstrumenterOptions = {
  plugins: null,
  excludedMutations: [],
  ignorers: [
    {
      shouldIgnore: (path) => {
        const { node } = path as unknown as { readonly node: SyntaxNode };
        if (isLogging(node)) return "what is logged";
        return isProse(node) ? "a text for people" : undefined;
      },
    },
  ],
};

const silent = new Proxy({}, { get: (_, name) => (String(name).startsWith("is") ? () => false : () => undefined) });

/** Every mutant of core, or of the files whose path contains one of `wanted`. */
export async function mutate(root: string, wanted: readonly string[]): Promise<Mutated> {
  const files: { name: string; content: string; mutate: boolean }[] = [];
  for await (const name of glob("packages/core/src/**/*.ts", { cwd: root })) {
    if (name.endsWith(".test.ts") || name.includes("/ports/")) continue;
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    files.push({ name: join(root, name), content: await readFile(join(root, name), "utf8"), mutate: true });
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const result = await new Instrumenter(silent as never).instrument(files, OPTIONS);
  const contents = new Map(files.map(({ name, content }) => [name, content]));
  const mutants = result.mutants.flatMap(({ id, fileName, location, mutatorName, replacement, status }): Mutant[] => {
    if (status === "Ignored") return [];
    const content = contents.get(fileName)!;
    const { start, end } = location;
    const lines = content.split("\n");
    const at = ({ line, column }: typeof start): number => lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0) + column;
    const hash = createHash("sha256").update(content).digest("hex").slice(0, 16);
    const file = fileName.slice(root.length).replace(/^\//, "");
    return [
      {
        id,
        file,
        line: start.line + 1,
        column: start.column + 1,
        mutator: mutatorName,
        was: content.slice(at(start), at(end)),
        becomes: replacement,
        text: lines[start.line]!.trim(),
        key: [file, hash, start.line, start.column, end.line, end.column, mutatorName, replacement].join(" "),
      },
    ];
  });
  return {
    mutants,
    sources: Object.fromEntries(result.files.map(({ name, content }) => [name, content])),
    ignoredCount: result.mutants.length - mutants.length,
  };
}

/** In an order of chance that is the same each time: wherever a run stops, what was tried is a sample of all. */
export function shuffled(mutants: readonly Mutant[]): readonly Mutant[] {
  const places = new Map(mutants.map((mutant) => [mutant, createHash("sha256").update(mutant.key).digest("hex")]));
  return mutants.toSorted((a, b) => (places.get(a)! < places.get(b)! ? -1 : 1));
}
