/** What `streamer serve` prints once it serves: where, a token where it makes them, and what to try. */
import { isIPv4 } from "node:net";
import { basename } from "node:path";
import type { AnyHandler } from "@streamer/core";
import { ownAddresses, type Server } from "@streamer/embedded";
import { accessFlags, quote } from "../access.ts";
import type { Settings } from "../configuration/options.ts";
import type { Terminal } from "../terminal.ts";

/** The handlers that ship, and what they work on. */
export interface BuiltIn {
  readonly handlers: readonly AnyHandler[];
  readonly folder: string;
  readonly mappingFile: string;
  readonly hasMapping: boolean;
  /** Work that takes a while, on what is there, if anything is. */
  readonly example: { readonly action: string; readonly payload: object } | undefined;
}

export interface Welcome {
  readonly server: Server;
  readonly token: string | undefined;
  readonly builtIn: BuiltIn | undefined;
  readonly own: readonly AnyHandler[];
  readonly settings: Settings;
  readonly terminal: Terminal;
}

export function welcome({ server, token, builtIn, own, settings, terminal }: Welcome): void {
  const { print } = terminal;
  const bold = (text: string): string => terminal.style("bold", text, terminal.stdout);
  print(`${bold("Streamer")} at ${server.url}, files and health at ${server.httpUrl}`);
  const elsewhere = reachedAt(server, settings);
  if (elsewhere.length > 0) print(`For others at ${elsewhere.join(", ")}`);
  const sources = builtIn ? `, ${builtIn.hasMapping ? "reports" : "data sets"} from ${builtIn.folder}` : "";
  print(`Data in ${settings.dataFolder}${sources}`);
  if (own.length > 0) print(`Handlers of yours: ${own.map(({ action }) => action).join(", ")}`);
  if (builtIn && !builtIn.hasMapping) print(`Reports need a ${basename(builtIn.mappingFile)} there, see docs/guides/reports.md.`);
  if (token === undefined) {
    print("Tokens are yours to make: it trusts the key you gave. Clients pass theirs with --token, STREAMER_TOKEN or a profile.");
    return;
  }
  const how = accessFlags({ url: server.url, dataFolder: settings.dataFolder });
  for (const line of ["", "A token for development, valid for 24 hours:", token, ""]) print(line);
  print(`${bold("Try it")}, in another terminal in this folder:`);
  if (own.length > 0) print(`  npx streamer actions${how}`);
  if (builtIn) print(`  npx streamer request echo --payload ${quote('{"hello":"world"}')}${how}`);
  const heavy = builtIn?.example;
  if (heavy) print(`  npx streamer request ${heavy.action} --payload ${quote(JSON.stringify(heavy.payload))} --out .${how}`);
  print(`  curl -s ${server.httpUrl}/readyz`);
  print("");
  print("Ctrl-C stops it.");
}

/** The URLs by which others than this machine's programs come. */
function reachedAt({ url }: Server, { host, publicUrl }: Settings): readonly string[] {
  if (publicUrl !== undefined) return [publicUrl.replace(/^http/i, "ws")];
  if (!/^[0:.]+$/.test(host)) return [];
  const addresses = ownAddresses().filter((address) => host.includes(":") || isIPv4(address));
  return addresses.map((address) => `ws://${isIPv4(address) ? address : `[${address}]`}:${new URL(url).port}`);
}
