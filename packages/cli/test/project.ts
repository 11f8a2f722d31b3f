/** A folder as a stranger's project is: packages below node_modules, and files of their own. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const INSTALLED = {
  "@streamer/core": "packages/core",
  "@streamer/cli": "packages/cli",
  "@streamer/client": "packages/client",
  zod: "node_modules/zod",
  ".bin/streamer": "packages/cli/src/main.ts",
};

export interface Project {
  readonly folder: string;
  write(name: string, text: string): void;
  drop(name: string): void;
  remove(): void;
}

export function createProject(files: Readonly<Record<string, string>> = {}): Project {
  const folder = mkdtempSync(join(tmpdir(), "streamer-project-"));
  const write = (name: string, text: string): void => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  for (const [name, from] of Object.entries(INSTALLED)) {
    const path = join(folder, "node_modules", name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join(repository, from), path);
  }
  write("package.json", '{ "type": "module" }');
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { folder, write, drop: (name) => rmSync(join(folder, name)), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A module of one handler that answers with `answer`, in TypeScript. */
export const handlerModule = (action: string, answer: string, name: string = action): string =>
  `import { defineHandler } from "@streamer/core";
import { z } from "zod";
const answer: string = ${answer};
export const ${name} = defineHandler({ action: "${action}", input: z.object({}), run: () => ({ answer }) });
`;
