/** docs/deploy-aws.md names every setting, table, key, index, function and alarm there is. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TABLES, type TableDefinition } from "@streamer/aws/table";
import { CONFIGURATION_NAMES } from "../src/configuration.ts";
import { FUNCTION_NAMES } from "../src/functions.ts";

const guide = readFileSync(new URL("../../../docs/deploy-aws.md", import.meta.url), "utf8");
const section = (heading: string): string => guide.split(`\n${heading}\n`)[1]?.split(/\n#{2,3} /)[0] ?? "";

describe("the deployment guide", () => {
  it("lists every setting", () => {
    const settings = section("## Settings");
    for (const name of CONFIGURATION_NAMES) expect(settings).toContain(`\`${name}\``);
  });

  it("lists every function", () => {
    for (const name of FUNCTION_NAMES) expect(section("## What is made")).toContain(`\n| ${name} |`);
  });

  it.each(Object.entries(TABLES) as [string, TableDefinition][])("describes the table %s with its keys and indexes", (name, table) => {
    const text = section(`### ${name}`);
    const keys = [table.key, ...Object.values(table.indexes)].flatMap(({ partition, sort }) => [partition[0], ...(sort ? [sort[0]] : [])]);
    for (const word of [...keys, ...Object.keys(table.indexes)]) expect(text).toContain(`\`${word}\``);
  });
});
