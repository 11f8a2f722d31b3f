/** The completion scripts, made of the program as it is; the one for bash is asked by bash itself. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { wordsOf, type CommandWords } from "../src/completion/words.ts";
import { COMMANDS, createProgram } from "../src/program.ts";
import { processShell } from "../src/shell.ts";
import { streamerHere } from "./in-process.ts";

let words: readonly CommandWords[];
const scripts: Record<string, string> = {};

beforeAll(async () => {
  words = wordsOf(await createProgram(processShell, ["completion"]));
  for (const shell of ["bash", "zsh", "fish"]) {
    const ran = streamerHere(["completion", shell]);
    await ran.exitCode;
    scripts[shell] = ran.stdout;
  }
});

it("knows each command with all its options", () => {
  expect(words.map(({ name }) => name)).toEqual(COMMANDS.map(({ name }) => name));
  for (const { options } of words) expect(options.map(({ long }) => long)).toContain("--help");
  const { options } = words.find(({ name }) => name === "request")!;
  expect(options.find(({ long }) => long === "--mode")?.value).toEqual({ words: ["auto", "sync", "async"] });
  expect(options.find(({ long }) => long === "--out")?.value).toBe("folder");
  expect(options.find(({ long }) => long === "--id")?.value).toBe("anything");
  expect(options.find(({ long }) => long === "--json")?.value).toBeUndefined();
});

it("every script names every command and option", () => {
  for (const { name, options } of words) {
    for (const { long } of options) {
      expect(scripts["bash"]).toContain(long);
      expect(scripts["zsh"]).toContain(`*${long}[`);
      expect(scripts["fish"]).toContain(`seen_subcommand_from ${name}' -l ${long.slice(2)}`);
    }
  }
});

it("bash completes commands, options, choices, files and folders", () => {
  const folder = mkdtempSync(join(tmpdir(), "streamer-completion-"));
  mkdirSync(join(folder, "my shop"));
  writeFileSync(join(folder, "my key.pem"), "");
  const asked: readonly (readonly [string, readonly string[]])[] = [
    ["streamer re", ["request", "retry"]],
    ["streamer list --st", ["--status"]],
    ["streamer list --status F", ["FAILED"]],
    ["streamer --json request x --mode a", ["auto", "async"]],
    ["streamer completion z", ["zsh"]],
    ["streamer serve --public-key my", ["my key.pem", "my shop"]],
    ["streamer serve --data my", ["my shop"]],
    ["streamer serve --port ", []],
    ["streamer nothing --", []],
  ];
  const questions = asked.map(
    ([line]) =>
      `COMP_WORDS=(${line.endsWith(" ") ? `${line}""` : line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _streamer; printf '%s|' "\${COMPREPLY[@]}"; echo`,
  );
  const answers = execFileSync("bash", ["-c", `${scripts["bash"]}\n${questions.join("\n")}`], { cwd: folder, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  expect(
    answers
      .trimEnd()
      .split("\n")
      .map((line) =>
        line
          .split("|")
          .filter((word) => word !== "")
          .toSorted(),
      ),
  ).toEqual(asked.map(([, expected]) => expected.toSorted()));
});
