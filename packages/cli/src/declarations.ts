/**
 * The declarations that `connect<Actions>()` is typed by, from what a server says of its actions. The same actions give
 * the same text, so that a committed file shows when a server has changed.
 */
import type { ActionDescription } from "@streamer/client";
import type { JsonObject } from "@streamer/protocol";
import { commentText, keyText, namedTypes, pascalCase } from "./schema-types.ts";

const HEAD = `/* eslint-disable */
// Made by "streamer types": what the server's actions take and give. connect<Actions>(url, { token }) is typed by it.
import type { TypedAction } from "@streamer/client";
`;

export function declarationsOf(actions: readonly ActionDescription[]): string {
  const claim = createClaim(["Actions", "TypedAction", "ReadonlyArray"]);
  const types: string[] = [];
  const declare = (name: string, schema: JsonObject | undefined): string => {
    if (!schema) return "unknown";
    const named = namedTypes(name, schema, claim);
    types.push(...named.map(({ name: own, type }) => `export type ${own} = ${type};\n`));
    return named[0]!.name;
  };
  const members = actions
    .toSorted((one, other) => (one.action < other.action ? -1 : 1))
    .map(({ action, description, input, output }) => {
      const base = pascalCase(action);
      const typing = `TypedAction<${JSON.stringify(action)}, ${declare(`${base}Input`, input)}, ${declare(`${base}Output`, output)}>`;
      return `${description ? `  ${commentText(description)}\n` : ""}  readonly ${keyText(action)}: ${typing};\n`;
    });
  return `${[HEAD, ...types].join("\n")}\nexport interface Actions {\n${members.join("")}}\n`;
}

/** Makes names unique by counting: actions `a.b` and `a_b` are both called AB. */
export function createClaim(taken: readonly string[] = []): (name: string) => string {
  const names = new Set(taken);
  return (wanted) => {
    let name = wanted;
    for (let n = 2; names.has(name); n += 1) name = `${wanted}${n}`;
    names.add(name);
    return name;
  };
}
