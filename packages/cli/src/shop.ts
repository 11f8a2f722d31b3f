/**
 * The shop that reports are made of: the user's files, or the sample shop, made when first needed. Also joins it with the
 * handlers, for `serve` and `demo` alike. A folder without a mapping is one of data sets: all but reports work on it.
 */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ServerOptions } from "@streamer/embedded";
import { MAPPING_FILE, SAMPLE_FOLDER, SAMPLE_ROWS, createHandlers, loadMapping, whyNotApart, writeSampleShop } from "@streamer/handlers";
import { usage } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

export interface ShopOptions {
  readonly data?: string;
  readonly mapping?: string;
  /** Where the sample shop is made. */
  readonly dataFolder: string;
}

export interface Shop {
  readonly folder: string;
  readonly mappingFile: string;
  readonly hasMapping: boolean;
  /** All handlers, reports on this shop among them; what they own is kept in `dataFolder`. */
  handlers(dataFolder: string): ServerOptions["handlers"];
}

export async function prepareShop({ data, mapping, dataFolder }: ShopOptions, terminal: Terminal): Promise<Shop> {
  const folder = resolve(data ?? join(dataFolder, SAMPLE_FOLDER));
  const mappingFile = resolve(mapping ?? join(folder, MAPPING_FILE));
  if (data === undefined) {
    if (mapping !== undefined) throw usage("--mapping says how the files of --data are read: give both.");
    if (!existsSync(mappingFile)) terminal.note(`Making the sample shop: three years, ${SAMPLE_ROWS.toLocaleString("en")} order lines…`);
    await writeSampleShop(folder);
  } else {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw usage(`There is no folder ${data}; --data names the folder with the files.`);
    // Read now, so that a slip in it is told at once and not by the first report.
    if (mapping !== undefined || existsSync(mappingFile)) {
      await loadMapping(folder, mappingFile).catch((error: unknown) => {
        throw usage(error instanceof Error ? error.message : String(error));
      });
    }
  }
  return {
    folder,
    mappingFile,
    hasMapping: existsSync(mappingFile),
    handlers: (ownFolder) => {
      const problem = whyNotApart(folder, ownFolder);
      if (problem !== undefined) throw usage(`${problem[0]!.toUpperCase()}${problem.slice(1)}`);
      return createHandlers({ dataFolder: ownFolder, reports: { dataFolder: folder, mappingFile } });
    },
  };
}
