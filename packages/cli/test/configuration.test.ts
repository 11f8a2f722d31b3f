/** Every option by flag, variable and file; what is in force and from where; one table, and the guide made of it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { OPTION_NAMES, flagOf, optionOf, variableOf, type OptionName } from "../src/configuration/options.ts";
import { referenceLines } from "../src/configuration/show.ts";
import { defineConfig } from "../src/configuration/define-config.ts";
import { jsonLines, streamer } from "./command.ts";
import { streamerHere } from "./in-process.ts";
import { createProject } from "./project.ts";

const project = createProject();
const home = process.cwd();
beforeEach(() => process.chdir(project.folder));
afterEach(() => process.chdir(home));
afterAll(() => project.remove());

interface Told {
  readonly file: string | null;
  readonly options: Readonly<Record<OptionName, { readonly value: unknown; readonly from: string; readonly place: string }>>;
  readonly unknown_variables: readonly string[];
}

async function told(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Told> {
  const ran = streamerHere(["config", "--json", ...args], { env });
  expect([await ran.exitCode, ran.stderr]).toEqual([0, ""]);
  return jsonLines(ran.stdout)[0] as unknown as Told;
}

async function refusal(args: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  const ran = streamerHere(["config", ...args], { env });
  expect(await ran.exitCode).toBe(2);
  return ran.stderr;
}

/** Three values of each kind, as text, and as the file may have them. */
const VALUES: Readonly<Record<string, readonly (readonly [text: string, written: unknown])[]>> = {
  n: [
    ["1", 1],
    ["2", 2],
    ["3", 3],
  ],
  duration: [
    ["1h", "1h"],
    ["2h", "2h"],
    ["3h", "3h"],
  ],
  url: [
    ["https://one.example", "https://one.example"],
    ["https://two.example", "https://two.example"],
    ["https://three.example", "https://three.example"],
  ],
  level: [
    ["debug", "debug"],
    ["warn", "warn"],
    ["error", "error"],
  ],
};
const TEXTS = ["one", "two", "three"].map((word) => [`/${word}`, `/${word}`] as const);

describe("every option but the secret", () => {
  it.each(OPTION_NAMES.filter((name) => !optionOf(name).secret && optionOf(name).kind.placeholder !== undefined))(
    "%s: flag, else variable, else file, else default",
    async (name) => {
      const [flag, variable, file] = VALUES[optionOf(name).kind.placeholder!] ?? TEXTS;
      const path = join(project.folder, "streamer.config.json");
      const valueOf = async (args: readonly string[], env: Record<string, string>): Promise<unknown> => {
        const { value, from, place } = (await told(args, env)).options[name];
        return [String(value), from, place];
      };
      project.write("streamer.config.json", "{}");
      expect((await told()).options[name]).toMatchObject({ from: "default", place: "default" });
      project.write("streamer.config.json", JSON.stringify({ [name]: file![1] }));
      const env = { [variableOf(name)]: variable![0] };
      expect(await valueOf([], {})).toEqual([file![0], "file", path]);
      expect(await valueOf([], env)).toEqual([variable![0], "environment", variableOf(name)]);
      expect(await valueOf([flagOf(name), flag![0]], env)).toEqual([flag![0], "flag", flagOf(name)]);
    },
  );

  it.each(OPTION_NAMES.filter((name) => optionOf(name).kind.placeholder === undefined))("%s: on and off, each way", async (name) => {
    const off = `--no-${flagOf(name).slice(2)}`;
    project.write("streamer.config.json", JSON.stringify({ [name]: true }));
    expect((await told()).options[name]).toMatchObject({ value: true, from: "file" });
    expect((await told([], { [variableOf(name)]: "false" })).options[name]).toMatchObject({ value: false, from: "environment" });
    expect((await told([off], { [variableOf(name)]: "1" })).options[name]).toMatchObject({ value: false, from: "flag" });
    project.write("streamer.config.json", JSON.stringify({ [name]: false }));
    expect((await told([flagOf(name)])).options[name]).toMatchObject({ value: true, from: "flag" });
  });
});

describe("the configuration file", () => {
  it.each(["ts", "js", "mjs"])("may be streamer.config.%s, typed by defineConfig", async (ending) => {
    const other = createProject({
      [`streamer.config.${ending}`]: `import { defineConfig } from "@streamer/cli/config";
const port${ending === "ts" ? ": number" : ""} = 9000;
export default defineConfig({ port, handlers: ["./a.ts", "/b.ts"], jwks: "keys.json", maxTokenLife: 60 });`,
    });
    const ran = streamer(["config", "--json"], { cwd: other.folder });
    expect([await ran.ended, ran.stderr]).toEqual([0, ""]);
    const { file, options } = jsonLines(ran.stdout)[0] as unknown as Told;
    expect(file).toBe(join(other.folder, `streamer.config.${ending}`));
    expect([options.port.value, options.handlers.value, options.jwks.value, options.maxTokenLife.value]).toEqual([
      9000,
      [join(other.folder, "a.ts"), "/b.ts"],
      join(other.folder, "keys.json"),
      "1m",
    ]);
    other.remove();
  });

  it("has a type that knows the options", () => {
    expect(defineConfig({ port: 1, allowOrigin: ["https://a.example"], stopGrace: "5s" })).toMatchObject({ port: 1 });
    // @ts-expect-error -- a slip
    defineConfig({ prot: 1 });
    // @ts-expect-error -- no number
    defineConfig({ port: "1" });
    // @ts-expect-error -- from the environment alone
    defineConfig({ secret: "x" });
    // @ts-expect-error -- no such level
    defineConfig({ logLevel: "loud" });
  });

  it.each([
    ['{ "prot": 9000 }', /streamer\.config\.json has "prot", which is no option\. There are: handlers, /],
    ['{ "data-folder": "x" }', /has "data-folder", which is no option\. It is called dataFolder here/],
    ['{ "STREAMER_PORT": 1 }', /It is called port here/],
    ['{ "secret": "x" }', /has "secret": files are shared.*STREAMER_SECRET.*secretFile/],
    ['{ "port": "9000" }', /"port" in .*streamer\.config\.json is not valid\. Give a whole number from 0 to 65535, not string "9000"/],
    ['{ "port": 70000 }', /"port" in .* is not valid/],
    ['{ "port": null }', /"port" in .* not null/],
    ['{ "watch": "yes" }', /"watch" in .*Give true or false, not string "yes"/],
    ['{ "logLevel": "loud" }', /"logLevel" in .*Give one of debug, info/],
    ['{ "maxTokenLife": "soon" }', /"maxTokenLife" in .*Give a duration/],
    ['{ "publicUrl": "streamer.example.com" }', /"publicUrl" in .*Give a URL/],
    ['{ "host": "" }', /"host" in .*it is empty/],
    ['{ "host": ["a"] }', /"host" in .*not an array/],
    ['{ "allowOrigin": [1] }', /"allowOrigin" in .*Give text, not number 1/],
    ['{ "handlers": {} }', /"handlers" in .*not an object/],
    ["[]", /must hold an object/],
    ["{", /cannot be read as JSON/],
  ])("%s is refused by name", async (text, problem) => {
    project.write("streamer.config.json", text);
    expect(await refusal()).toMatch(problem);
  });

  it("is found by --config and STREAMER_CONFIG, must be there, and must be one", async () => {
    project.write("streamer.config.json", "{}");
    project.write("other/c.json", '{ "dataFolder": "d" }');
    for (const place of [["--config", "other/c.json"], []]) {
      const { file, options } = await told(place, { STREAMER_CONFIG: "other/c.json" });
      expect([file, options.dataFolder.value]).toEqual([join(project.folder, "other/c.json"), join(project.folder, "other/d")]);
    }
    expect(await refusal(["--config", "none.json"])).toContain("There is no configuration file none.json");
    project.write("streamer.config.mjs", "export default {}");
    expect(await refusal()).toMatch(/several configuration files: streamer\.config\.mjs, streamer\.config\.json/);
  });
});

describe("streamer config", () => {
  beforeEach(() => {
    project.write("streamer.config.json", "{}");
    project.write("streamer.config.mjs", "");
    project.drop("streamer.config.mjs");
  });

  it.each([
    [{ STREAMER_PORT: "x" }, /STREAMER_PORT is not valid\. Give a whole number/],
    [{ STREAMER_WATCH: "maybe" }, /STREAMER_WATCH is not valid\. Give true or false/],
    [{ STREAMER_LOG_LEVEL: "loud" }, /STREAMER_LOG_LEVEL is not valid/],
    [{ STREAMER_ALLOW_ORIGIN: " , " }, /STREAMER_ALLOW_ORIGIN is not valid/],
  ])("refuses %j by name", async (env, problem) => expect(await refusal([], env)).toMatch(problem));

  it("shows no secret, to people and as JSON, and names variables that are no options", async () => {
    const env = {
      STREAMER_SECRET: "s".repeat(40),
      STREAMER_JWKS: "https://anna:hunter2@id.example.com/keys",
      STREAMER_PROT: "1",
      STREAMER_HOST: "",
    };
    for (const args of [[], ["--json"]]) {
      const ran = streamerHere(["config", ...args], { env });
      expect(await ran.exitCode).toBe(0);
      expect(ran.stdout + ran.stderr).not.toMatch(/sss|hunter2|anna/);
      expect(ran.stdout).toContain("(hidden)");
      expect(ran.stdout + ran.stderr).toContain("STREAMER_PROT");
    }
    const { options, unknown_variables: unknown } = await told([], env);
    expect([options.secret.from, options.host.from, unknown]).toEqual(["environment", "default", ["STREAMER_PROT"]]);
  });
});

it("the guide has the table as it is: npx streamer config --markdown", async () => {
  const guide = readFileSync(new URL("../../../docs/guides/configuration.md", import.meta.url), "utf8");
  expect(guide).toContain(`\n${referenceLines().join("\n")}\n`);
  const ran = streamerHere(["config", "--markdown"]);
  expect(await ran.exitCode).toBe(0);
  expect(ran.stdout).toBe(`${referenceLines().join("\n")}\n`);
});
