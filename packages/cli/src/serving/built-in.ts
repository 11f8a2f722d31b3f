/** The handlers that ship, on the data they are given. Loaded only where they are served. */
import { dataFileNames } from "@streamer/handlers";
import type { Settings } from "../configuration/options.ts";
import { reportDays } from "../period.ts";
import { prepareShop } from "../shop.ts";
import type { Terminal } from "../terminal.ts";
import type { BuiltIn } from "./welcome.ts";

export async function prepareBuiltIn({ data, mapping, dataFolder }: Settings, terminal: Terminal): Promise<BuiltIn> {
  const shop = await prepareShop({ dataFolder, ...(data !== undefined && { data }), ...(mapping !== undefined && { mapping }) }, terminal);
  const { folder, mappingFile, hasMapping } = shop;
  return { handlers: shop.handlers(dataFolder), folder, mappingFile, hasMapping, example: await heavyExample(shop) };
}

/** A report, else what a data set's rows have in common. */
async function heavyExample(shop: Awaited<ReturnType<typeof prepareShop>>): Promise<BuiltIn["example"]> {
  if (shop.hasMapping) {
    const [start_date, end_date] = await reportDays(shop, {});
    return { action: "generate_report", payload: { start_date, end_date, format: "pdf" } };
  }
  const [path] = dataFileNames(shop.folder);
  if (path === undefined) return undefined;
  return { action: "process_data", payload: { pipeline: "clustering", data_source: { type: "file", path } } };
}
