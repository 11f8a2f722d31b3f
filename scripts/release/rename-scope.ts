/** `npm run rename-scope -- @other`: the names of all packages, everywhere in the tree, in one go. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, SCOPE } from "./manifest.ts";

/** What npm takes as a scope. */
const NAME = /^@[a-z0-9][a-z0-9._-]{0,200}$/;

const AFTERWARDS = `Now:
  npm install --package-lock-only   the lockfile, with the links of the workspaces
  npm ci                            node_modules
  npm run edges                     lint, from the table of imports
  npm run fix                       lines that are longer or shorter now
  npm run check && npm test`;

/** In every text that git has. Answers their paths. */
export function renameScope(root: string, from: string, to: string): readonly string[] {
  if (!NAME.test(to)) throw new Error(`${to} is no scope: "@", then small letters, digits, ".", "_" or "-".`);
  if (to === from) throw new Error(`The scope is ${from} already.`);
  const paths = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", maxBuffer: 64 * 1_048_576 }).split("\0");
  // Written as names of packages, as in addresses (%40), and as lint writes them in expressions (\/).
  const spellings = [`${from}/`, `%40${from.slice(1)}/`, `${from}\\/`];
  return paths.filter((path) => {
    if (path === "") return false;
    const bytes = readFileSync(join(root, path));
    if (bytes.includes(0)) return false;
    const text = bytes.toString("utf8");
    const renamed = spellings.reduce(
      (said, spelling) => said.replaceAll(spelling, () => spelling.replace(from.slice(1), to.slice(1))),
      text,
    );
    if (renamed === text) return false;
    writeFileSync(join(root, path), renamed);
    return true;
  });
}

if (import.meta.main) {
  const [to, ...more] = process.argv.slice(2);
  if (to === undefined || to === "--help" || more.length > 0) {
    console.log(`npm run rename-scope -- @other\n\nWrites @other/ for ${SCOPE}/ in every file that git has.`);
    process.exitCode = to === "--help" ? 0 : 1;
  } else {
    try {
      console.log(`${renameScope(ROOT, SCOPE, to).length} files name ${to} now.\n${AFTERWARDS}`);
    } catch (error) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  }
}
