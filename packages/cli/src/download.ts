/** Brings a file from its signed link into a folder: written beside its place and renamed, so that it is whole or absent. */
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { EXIT, ExitError } from "./exit.ts";

export interface Download {
  readonly path: string;
  readonly sizeBytes: number;
}

export async function download(url: string, folder: string, signal?: AbortSignal): Promise<Download> {
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    throw new ExitError(EXIT.failed, `The file could not be fetched: ${reasonOf(cause)}.`, "DOWNLOAD_FAILED");
  });
  if (!response.ok || !response.body) {
    throw new ExitError(
      EXIT.failed,
      `The file could not be fetched: the server answered ${response.status} ${response.statusText}.`,
      "DOWNLOAD_FAILED",
    );
  }
  const target = resolve(folder);
  await mkdir(target, { recursive: true });
  const path = join(target, nameOf(response));
  const partial = `${path}.partial-${process.pid}`;
  try {
    await pipeline(Readable.fromWeb(response.body as ReadableStream<Uint8Array>), createWriteStream(partial), signal ? { signal } : {});
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { path, sizeBytes: (await stat(path)).size };
}

/** The name the server gives the file (RFC 6266), else the link's last part; nothing in it may lead out of the folder. */
function nameOf({ headers, url }: Response): string {
  const disposition = headers.get("content-disposition") ?? "";
  const real = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  const plain = /filename="([^"]+)"/i.exec(disposition)?.[1];
  const name = basename(real === undefined ? (plain ?? new URL(url).pathname) : decodeURIComponent(real)).replaceAll(
    /[^\p{L}\p{N} ._-]/gu,
    "_",
  );
  return name === "" || name.startsWith(".") ? "result" : name;
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
