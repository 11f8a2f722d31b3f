/**
 * Brings a file from its signed link into a folder: written beside its place under a name nobody has, and given its own
 * when it is whole, so that it is whole or absent. What is there already stays, unless it is told to go. The name is the
 * server's word, and is nothing but a name: it leads nowhere else.
 */
import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { link, lstat, mkdir, rename, rm, stat } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { EXIT, ExitError } from "./exit.ts";

export interface Download {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface Place {
  readonly folder: string;
  /** When there is a file of that name: fail, write over it, or count its name up (`report-2.pdf`). */
  readonly taken: "refuse" | "replace" | "count";
}

/** Longest name in bytes: what file systems take (255), less the ending of a file that is not whole yet. */
const MAX_NAME_BYTES = 200;

export async function download(url: string, { folder, taken }: Place, signal?: AbortSignal): Promise<Download> {
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    throw failed(`The file could not be fetched: ${reasonOf(cause)}.`);
  });
  if (!response.ok || !response.body) {
    throw failed(`The file could not be fetched: the server answered ${response.status} ${response.statusText}.`);
  }
  const target = resolve(folder);
  await mkdir(target, { recursive: true });
  const path = join(target, nameOf(response));
  // Asked before the way, and once more by the file system at its end.
  if (taken === "refuse" && (await isThere(path))) {
    await response.body.cancel();
    throw alreadyThere(path);
  }
  const partial = join(target, `.streamer-${randomUUID()}.partial`);
  try {
    const source = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    await pipeline(source, createWriteStream(partial, { flags: "wx" }), signal ? { signal } : {});
    const saved = taken === "replace" ? path : await placed(partial, path, taken);
    if (taken === "replace") await rename(partial, path);
    return { path: saved, sizeBytes: (await stat(saved)).size };
  } finally {
    await rm(partial, { force: true });
  }
}

async function placed(partial: string, path: string, taken: "refuse" | "count"): Promise<string> {
  const { dir, name, ext } = parse(path);
  for (let number = 1; ; number += 1) {
    const place = number === 1 ? path : join(dir, `${name}-${number}${ext}`);
    if (await putWhereNothingIs(partial, place)) return place;
    if (taken === "refuse") throw alreadyThere(path);
  }
}

/** A hard link is refused where there is something; a rename would take its place. */
async function putWhereNothingIs(partial: string, path: string): Promise<boolean> {
  try {
    await link(partial, path);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(code)) throw error;
    // A file system without hard links: looked at once more, as late as can be.
    if (await isThere(path)) return false;
    await rename(partial, path);
    return true;
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const failed = (message: string): ExitError => new ExitError(EXIT.failed, message, "DOWNLOAD_FAILED");

const alreadyThere = (path: string): ExitError =>
  new ExitError(
    EXIT.failed,
    `There is a file ${path} already, and it is left as it is. Give --force to write over it, or another --out; "streamer watch" fetches the file of a request that has ended.`,
    "FILE_EXISTS",
  );

/** The name the server gives the file (RFC 6266), else the link's last part. One that is no plain name is refused. */
function nameOf({ headers, url }: Response): string {
  const disposition = headers.get("content-disposition") ?? "";
  const real = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  const plain = /filename="([^"]+)"/i.exec(disposition)?.[1];
  const given = real === undefined ? (plain ?? new URL(url).pathname.split("/").at(-1)!) : decoded(real);
  if (/[/\\]/.test(given) || given === "." || given === "..")
    throw failed(`The server names the file "${given}", which leads out of the folder: it was not saved.`);
  const name = given.replaceAll(/[^\p{L}\p{N} ._-]/gu, "_");
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw failed(`The server gives the file a name of ${Buffer.byteLength(name)} bytes; at most ${MAX_NAME_BYTES} can be saved.`);
  // One that begins with a dot would be hidden, or be read by a shell.
  return name === "" || name.startsWith(".") ? "result" : name;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    throw failed(`The server gives the file a name that is not UTF-8 ("${name}"): it was not saved.`);
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string }; message?: string };
  return cause?.message ?? message ?? String(error);
}

/** The signed link in a result, when it has one. */
export function linkIn(result: unknown): string | undefined {
  const url = (result as { url?: unknown } | null | undefined)?.url;
  return typeof url === "string" && /^https?:\/\//.test(url) ? url : undefined;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
