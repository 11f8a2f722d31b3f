/** The inputs of requests as given on a command line: JSON, a file, stdin, or a file with one in each line. */
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { usage } from "./exit.ts";
import type { Shell } from "./shell.ts";

/** What a server lets a connection say at once (docs/protocol.md §10). */
export const MOST_AT_ONCE = 1_000;

export interface PayloadOptions {
  readonly payload?: readonly string[];
  readonly payloads?: string;
}

export async function readPayloads({ payload = [], payloads }: PayloadOptions, shell: Pick<Shell, "stdin">): Promise<readonly unknown[]> {
  if (payload.length > 0 && payloads !== undefined) throw usage("Give --payload, once or more, or --payloads, not both.");
  const inputs =
    payloads === undefined ? await Promise.all(payload.map((source) => readOne(source, shell))) : await readLines(payloads, shell);
  if (payloads === undefined && inputs.length === 0) return [{}];
  if (inputs.length === 0) throw usage(`There is no line of JSON in ${nameOf(payloads!)}.`);
  if (inputs.length > MOST_AT_ONCE)
    throw usage(
      `That is ${inputs.length} requests; at most ${MOST_AT_ONCE} are followed at once. Split the file, such as with: split -l ${MOST_AT_ONCE}`,
    );
  return inputs;
}

async function readOne(source: string, shell: Pick<Shell, "stdin">): Promise<unknown> {
  if (source === "-") return parse(await readText("-", shell), "stdin");
  return source.startsWith("@") ? parse(await readText(source.slice(1), shell), source.slice(1)) : parse(source, "--payload");
}

async function readLines(source: string, shell: Pick<Shell, "stdin">): Promise<readonly unknown[]> {
  const file = source.startsWith("@") ? source.slice(1) : source;
  const lines = (await readText(file, shell)).split("\n");
  return lines.flatMap((line, n) => (line.trim() === "" ? [] : [parse(line, `${nameOf(file)}, line ${n + 1},`)]));
}

const nameOf = (file: string): string => (file === "-" ? "stdin" : file);

async function readText(file: string, { stdin }: Pick<Shell, "stdin">): Promise<string> {
  try {
    return file === "-" ? await text(stdin) : readFileSync(file, "utf8");
  } catch (error) {
    throw usage(`The payload cannot be read from ${nameOf(file)}: ${(error as Error).message}.`);
  }
}

function parse(json: string, from: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw usage(`The payload from ${from} is not JSON: ${(error as Error).message}.`);
  }
}
