/**
 * Packages that cannot be bundled, copied as they are installed: native code, and code that reads files beside itself.
 * Each with what it depends on, laid out as in node_modules here, so that Node finds the same versions there.
 */
import { cpSync, existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What no run reads: it would be uploaded and unpacked for nothing. */
const UNREAD = [
  /\.(map|d\.[cm]?ts|md)$/,
  // Fonts for browsers, and those thinner or heavier than a report is printed in.
  /^node_modules\/@fontsource\/[^/]+\/(.*\.(woff2|s?css)|files\/.*-([1235689]00-[a-z]+|[a-z0-9]+-italic)\.woff)$/,
  /^node_modules\/@embedpdf\/fonts-[a-z]+\/fonts\/[A-Za-z]+-(?!(Regular|Bold|SemiBold)\.)/,
  /^node_modules\/@expo-google-fonts\/[^/]+\/((300|500|600)[A-Za-z]+(\/|$)|.*\.png$)/,
  // pdfkit for browsers.
  /^node_modules\/pdfkit\/js\/pdfkit\.(standalone|es)\.js$/,
  /^node_modules\/fontkit\/(src|dist\/browser[^/]*)(\/|$)/,
];

/** The folder of a package as Node finds it from `folder`. */
export function packageFolder(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (dirname(at) === at) return undefined;
  }
}

export const manifestOf = (folder: string): PackageManifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageManifest;

/** Copies the packages, found from `folder`, and answers their folders. */
export function copyPackages(names: readonly string[], folder: string, assetFolder: string): readonly string[] {
  const copied = new Set<string>();
  const copy = (name: string, from: string): void => {
    const found = packageFolder(name, from);
    if (found === undefined)
      throw new Error(`The package ${name}, which a handler imports, is not installed for ${from}. Run npm install there.`);
    if (copied.has(found)) return;
    copied.add(found);
    const place = found.slice(found.indexOf(`${sep}node_modules${sep}`) + 1);
    copyInstalled(found, join(assetFolder, place));
    // Optional ones are other platforms' binaries: the one that is needed is chosen by native-package.ts.
    for (const dependency of Object.keys(manifestOf(found).dependencies ?? {})) copy(dependency, found);
  };
  for (const name of names) copy(name, folder);
  return [...copied];
}

/** Without what is never read, and without nested packages: those are copied when something depends on them. */
function copyInstalled(folder: string, target: string): void {
  const { name } = manifestOf(folder);
  cpSync(folder, target, {
    recursive: true,
    dereference: true,
    filter: (source) => {
      const path = relative(folder, source).split(sep).join("/");
      return path !== "node_modules" && !UNREAD.some((pattern) => pattern.test(`node_modules/${name}/${path}`));
    },
  });
}
