/**
 * The handlers of a user's modules: whatever they export, by whatever name, that is a handler or an array of handlers.
 * What looks like one and is none is refused rather than passed over, so that no action is missing without a word.
 */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineHandler, type AnyHandler } from "@streamer/core";
import { EXIT, ExitError } from "../exit.ts";
import { loadModule } from "./load-module.ts";

export interface LoadedHandlers {
  readonly handlers: readonly AnyHandler[];
  /** Modules of folders that export none: helpers of others, most likely. */
  readonly passedOver: readonly string[];
}

/** Where a handler was found, for people. */
interface Found {
  readonly handler: AnyHandler;
  readonly where: string;
}

const MODULE = /\.[mc]?[jt]s$/;
const NO_HANDLERS = /\.(?:test|spec|d)\.[mc]?[jt]s$/;

export async function loadHandlers(paths: readonly string[], others: readonly AnyHandler[] = []): Promise<LoadedHandlers> {
  const found: Found[] = others.map((handler) => ({ handler, where: "the handlers that ship" }));
  const passedOver: string[] = [];
  for (const given of paths) {
    const path = resolve(given);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
    if (isFolder === undefined)
      throw refusal(
        "HANDLERS_NOT_FOUND",
        `There is no file or folder ${given}; --handlers names the module that exports them, or a folder of such.`,
      );
    const files = isFolder ? modulesOf(path) : [path];
    const before = found.length;
    for (const file of files) {
      const exported = await loadModule(file, "module of handlers");
      const own = handlersOf(exported, file);
      found.push(...own);
      if (own.length > 0) continue;
      if (!isFolder)
        throw refusal(
          "NO_HANDLERS",
          `${given} exports no handler${namesOf(exported)}. Export what defineHandler returns, or an array of such.`,
        );
      passedOver.push(file);
    }
    if (found.length === before)
      throw refusal(
        "NO_HANDLERS",
        files.length === 0
          ? `The folder ${given} has no module: .ts, .mts, .js, .mjs or .cjs.`
          : `No module in ${given} exports a handler.`,
      );
  }
  return { handlers: unique(found).filter((handler) => !others.includes(handler)), passedOver };
}

/** At its top, without tests and declarations. */
const modulesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && MODULE.test(entry.name) && !NO_HANDLERS.test(entry.name))
    .map(({ name }) => join(folder, name))
    .toSorted();

function handlersOf(exported: Readonly<Record<string, unknown>>, file: string): readonly Found[] {
  return Object.entries(exported).flatMap(([name, value]) => {
    const where = `${file}, export ${name}`;
    if (!Array.isArray(value)) return looksLikeHandler(value) ? [{ handler: checked(value, where), where }] : [];
    if (!value.some((one) => looksLikeHandler(one))) return [];
    return value.map((one: unknown, index) => {
      const at = `${where}[${index}]`;
      if (!looksLikeHandler(one)) throw refusal("NOT_A_HANDLER", `${at} is no handler, though others of the array are.`);
      return { handler: checked(one, at), where: at };
    });
  });
}

const looksLikeHandler = (value: unknown): value is AnyHandler =>
  typeof value === "object" && value !== null && "action" in value && ("run" in value || "input" in value);

/** As it is, so that the same one in two places is one; one that was never declared is checked as if it were now. */
function checked(handler: AnyHandler, where: string): AnyHandler {
  try {
    defineHandler(handler);
    return handler;
  } catch (error) {
    throw refusal("NOT_A_HANDLER", `${where}: ${(error as Error).message}`);
  }
}

function unique(found: readonly Found[]): readonly AnyHandler[] {
  const byAction = new Map<string, Found>();
  for (const one of found) {
    const other = byAction.get(one.handler.action);
    if (other && other.handler !== one.handler)
      throw refusal(
        "DUPLICATE_ACTION",
        `Two handlers have the action "${one.handler.action}": ${other.where}, and ${one.where}. Rename one, or export one alone.`,
      );
    byAction.set(one.handler.action, one);
  }
  return Array.from(byAction.values(), ({ handler }) => handler);
}

const namesOf = (exported: Readonly<Record<string, unknown>>): string => {
  const names = Object.keys(exported);
  return names.length === 0 ? ": it exports nothing" : `: its exports are ${names.join(", ")}`;
};

const refusal = (code: string, message: string): ExitError => new ExitError(EXIT.usage, message, code);
