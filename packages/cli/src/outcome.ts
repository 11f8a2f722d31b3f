/** What `request` and `watch` share: follow a run, fetch its file, print how it ended. */
import type { Client, Run } from "@streamer/client";
import type { Access } from "./access.ts";
import { download, formatBytes, linkIn } from "./download.ts";
import { Said, exitCodeOf } from "./exit.ts";
import { follow } from "./follow.ts";
import { errorBody, type Terminal } from "./terminal.ts";

export interface Delivery {
  readonly run: Run;
  readonly client: Client;
  readonly terminal: Terminal;
  readonly access: Access;
  /** Folder for the file the result links to. */
  readonly out?: string;
}

export async function deliver({ run, client, terminal, access, out }: Delivery): Promise<void> {
  try {
    const { result } = await follow(
      run,
      client,
      terminal,
      (id) => `Left running. Come back with:\n  npx streamer watch ${id}${access.again}`,
    );
    const link = out === undefined ? undefined : linkIn(result);
    const file = link === undefined ? undefined : await download(link, out!);
    if (terminal.json)
      terminal.printJson({ type: "outcome", request_id: run.id, status: "COMPLETED", result, ...(file && { file: file.path }) });
    else {
      terminal.print(JSON.stringify(result ?? null, null, 2));
      if (file) terminal.note(`${terminal.style("green", "saved")} ${file.path} (${formatBytes(file.sizeBytes)})`);
      else if (out !== undefined) terminal.note("The result links to no file; nothing was downloaded.");
    }
  } catch (error) {
    if (!terminal.json) throw error;
    terminal.printJson({ type: "outcome", request_id: run.id, status: run.state.status, error: errorBody(error) });
    throw new Said(exitCodeOf(error));
  }
}
