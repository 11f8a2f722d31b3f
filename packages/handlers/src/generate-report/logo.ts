/** The picture a mapping names: a PNG or JPEG of the data folder, and not a large one. */
import { open, realpath } from "node:fs/promises";
import { extname, resolve, sep } from "node:path";
import { Fatal } from "@streamer/core";

/** A picture for the head of a page: anything larger is a photograph. */
const MAX_LOGO_BYTES = 2_000_000;
const EXTENSIONS = [".png", ".jpg", ".jpeg"];

/** Its full path, wherever links lead: outside the data folder is refused. */
export async function locateLogo(dataFolder: string, name: string): Promise<string> {
  if (!EXTENSIONS.includes(extname(name).toLowerCase()))
    throw new Fatal(`The mapping's logo "${name}" is none of ${EXTENSIONS.join(", ")}. Save it as one of them.`);
  const folder = await realpath(dataFolder);
  const path = await realpath(resolve(folder, name)).catch(() => undefined);
  if (path === undefined || !path.startsWith(folder + sep))
    throw new Fatal(`The mapping's logo "${name}" is not in the data folder. Put it there, or leave "logo" out.`);
  await using file = await open(path, "r");
  const { size } = await file.stat();
  if (size > MAX_LOGO_BYTES)
    throw new Fatal(`The mapping's logo "${name}" has ${size} bytes, more than ${MAX_LOGO_BYTES}. Make it smaller.`);
  return path;
}
