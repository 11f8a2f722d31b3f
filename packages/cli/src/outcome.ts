/** What commands that follow runs share: fetch the files of the results, print how each run ended, exit as they did. */
import { join } from "node:path";
import type { Client, Run } from "@streamer/client";
import { isTerminal } from "@streamer/protocol";
import { quote, type Access } from "./access.ts";
import { download, formatBytes, linkIn, type Download, type Place } from "./download.ts";
import { Said, exitCodeOf } from "./exit.ts";
import { follow, type End } from "./follow.ts";
import { noteWarnings } from "./result-warnings.ts";
import { errorBody, type Terminal } from "./terminal.ts";

export interface Delivery {
  readonly runs: readonly Run[];
  readonly client: Client;
  readonly terminal: Terminal;
  readonly access: Access;
  /** Folder for the files the results link to. */
  readonly out: string | undefined;
  /** Writes over files there. */
  readonly force?: boolean | undefined;
}

/** One run: its result. Several, or with --json: a line for each as it ends. */
export async function deliver({ runs, client, terminal, access, out, force = false }: Delivery): Promise<void> {
  const isOnly = runs.length === 1;
  const exitCodes: number[] = [];

  async function tell(end: End, signal: AbortSignal): Promise<void> {
    if ("result" in end) noteWarnings(terminal, end.result, isOnly ? undefined : end.run.id);
    const told = await fetched(
      end,
      out === undefined ? undefined : { folder: isOnly ? out : join(out, folderOf(end.run.id)), taken: force ? "replace" : "refuse" },
      signal,
    );
    if (signal.aborted) return;
    if ("error" in told) exitCodes.push(exitCodeOf(told.error));
    if (terminal.json || !isOnly) terminal.printJson(outcomeOf(told));
    if (terminal.json) return;
    if ("error" in told) {
      terminal.fail(told.error, isOnly ? undefined : told.run.id);
      return;
    }
    if (isOnly) terminal.printJson(told.result ?? null, "pretty");
    if (told.file) terminal.note(`${terminal.style("green", "saved")} ${told.file.path} (${formatBytes(told.file.sizeBytes)})`);
    else if (out !== undefined && isOnly) terminal.note("The result links to no file; nothing was downloaded.");
  }

  try {
    await follow(runs, { client, terminal, farewell: (left) => farewell(left, access), onEnd: tell });
  } catch (error) {
    if (!terminal.json) throw error;
    for (const run of runs) if (!isTerminal(run.state.status)) terminal.printJson(outcomeOf({ run, error }));
    throw new Said(exitCodeOf(error));
  }
  // The lowest says most: a failure before a cancellation.
  if (exitCodes.length > 0) throw new Said(Math.min(...exitCodes));
}

type Told = End & { readonly file?: Download };

/** With its file in the folder, when there are both; a download that fails is how it ended. */
async function fetched(end: End, place: Place | undefined, signal: AbortSignal): Promise<Told> {
  if ("error" in end || place === undefined) return end;
  const link = linkIn(end.result);
  if (link === undefined) return end;
  try {
    return { ...end, file: await download(link, place, signal) };
  } catch (error) {
    return { run: end.run, error };
  }
}

const outcomeOf = (told: Told): object => ({
  type: "outcome",
  request_id: told.run.id,
  status: told.run.state.status,
  ...("error" in told ? { error: errorBody(told.error) } : { result: told.result }),
  ...(told.file && { file: told.file.path }),
});

/** An id is anybody's text. */
const folderOf = (id: string): string => id.replaceAll(/[^\w-]/g, "_");

function farewell(left: readonly Run[], { again }: Access): string {
  const idsOf = (acknowledged: boolean): string =>
    left
      .filter(({ state }) => state.acknowledged === acknowledged)
      .map(({ id }) => ` ${quote(id)}`)
      .join("");
  const [running, unsure] = [idsOf(true), idsOf(false)];
  return [
    running && `Left running. Come back with:\n  npx streamer watch${running}${again}`,
    unsure && `No word from the server yet: it may or may not have arrived. Look with:\n  npx streamer watch${unsure}${again}`,
  ]
    .filter((part) => part !== "")
    .join("\n");
}
