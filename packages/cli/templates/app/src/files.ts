/**
 * What browsers are served: the folder `page`, and the client as it is in node_modules. Browsers load its modules as they
 * are, so nothing is bundled; the import map in page/index.html says where they are.
 */
import { readdir, readFile } from "node:fs/promises";
import { extname, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

export interface ServedFile {
  readonly type: string;
  readonly content: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** By path. What is not in it is not served, whatever is asked for. */
export async function readFiles(): Promise<ReadonlyMap<string, ServedFile>> {
  const page = await readFolder(new URL("../page/", import.meta.url), "/");
  const client = await readFolder(new URL(".", import.meta.resolve("@streamer/client")), "/client/");
  const files = new Map([...page, ...client]);
  const index = files.get("/index.html");
  if (index) files.set("/", index);
  return files;
}

async function readFolder(url: URL, prefix: string): Promise<readonly (readonly [string, ServedFile])[]> {
  const folder = fileURLToPath(url);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => `${parentPath}${sep}${name}`);
  return Promise.all(
    paths
      .filter((path) => extname(path) in TYPES)
      .map(async (path) => {
        const name = prefix + relative(folder, path).split(sep).join("/");
        return [name, { type: TYPES[extname(path)]!, content: await readFile(path) }] as const;
      }),
  );
}
