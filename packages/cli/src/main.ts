#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { EXIT } from "./exit.ts";
import { run } from "./program.ts";

// Whoever reads the results may have enough, as in "streamer list --all | head".
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.done);
});

process.exitCode = await run(process.argv.slice(2));
