/** streamer sample-data: writes the sample shop. */
import type { Command } from "commander";
import { SAMPLE_ROWS, writeSampleShop } from "@streamer/handlers";
import { EXIT_HELP } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { createTerminal } from "../terminal.ts";
import { wholeNumber } from "../values.ts";

const DEFAULT_OUT = "./sample-shop";

const HELP = `
Three years of a coffee-gear shop: orders, customers, products, and the mapping that reports read them with.
The same rows and seed always give the same shop. A folder that holds this shop already is kept.

Examples:
  $ streamer sample-data
  $ streamer sample-data --rows 1e6 --seed 7 --out ./big-shop
  $ streamer serve --data ./big-shop
${EXIT_HELP}`;

export function define(command: Command, shell: Shell): void {
  command
    .description("Write the sample shop that reports can be tried on.")
    .option("--rows <n>", "order lines, such as 1e6", wholeNumber(1, 100_000_000), SAMPLE_ROWS)
    .option("--seed <n>", "another seed, another shop", wholeNumber(0, Number.MAX_SAFE_INTEGER), 1)
    .option("--out <folder>", "where to write it: a new or empty folder, or one with a sample shop", DEFAULT_OUT)
    .option("--json", "print one JSON line: folder, rows, seed, created")
    .addHelpText("after", HELP)
    .action(async ({ rows, seed, out, json = false }: { rows: number; seed: number; out: string; json?: boolean }) => {
      const terminal = createTerminal(shell, json);
      const { folder, created } = await writeSampleShop(out, { rows, seed, replace: true });
      if (json) terminal.printJson({ folder, rows, seed, created });
      else terminal.print(`${created ? "Wrote" : "Kept"} ${folder}: ${rows.toLocaleString("en")} order lines, seed ${seed}.`);
    });
}
