/** The mapping's picture at the top right of the first page. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { Fatal } from "@streamer/core";
import type { Paper } from "./page/paper.ts";

export interface Logo {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Largest picture, in points. */
const MOST_WIDTH = 130;
const MOST_HEIGHT = 44;

export async function readLogo(path: string | undefined): Promise<Logo | undefined> {
  if (path === undefined) return undefined;
  return { name: basename(path), bytes: await readFile(path) };
}

export function printLogo(paper: Paper, { name, bytes }: Logo, alt: string): { readonly width: number; readonly height: number } {
  const { document, left, width, y } = paper;
  try {
    const picture = document.openImage(bytes);
    const scale = Math.min(MOST_WIDTH / picture.width, MOST_HEIGHT / picture.height);
    const size = { width: picture.width * scale, height: picture.height * scale };
    paper.tagged("Figure", () => void document.image(bytes, left + width - size.width, y - 4, size), { alt });
    return size;
  } catch (cause) {
    throw new Fatal(`The mapping's logo "${name}" could not be read: ${(cause as Error).message}. Save it anew as a PNG or JPEG.`, {
      cause,
    });
  }
}
