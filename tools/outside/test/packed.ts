/** What is packed, as a release packs it: nothing to say against it, and twice the same. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildPackages } from "../../../scripts/release/build.ts";
import { ENGINES, PUBLISHED } from "../../../scripts/release/published.ts";
import { pack, problemsOf } from "../../../scripts/release/tarballs.ts";
import type { Outside } from "./published.ts";

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export function describePacked(outside: () => Outside): void {
  it("publint, Are The Types Wrong and we ourselves have nothing against it, and it says what it is", async () => {
    using stranger = outside().stranger();
    expect(outside().builtFolders).toHaveLength(PUBLISHED.length);
    for (const folder of outside().builtFolders) {
      const tarball = pack(folder, stranger.folder);
      expect(await problemsOf(tarball, stranger.folder)).toEqual([]);
      expect(tarball.paths).toEqual(expect.arrayContaining(["README.md", "LICENSE", "package.json"]));
      expect(tarball.paths.filter((path) => !/^(?:dist|sources|templates)\/|^(?:README\.md|LICENSE|package\.json)$/.test(path))).toEqual(
        [],
      );
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
      expect(manifest).toMatchObject({
        license: "MIT",
        type: "module",
        engines: ENGINES,
        publishConfig: { access: "public", provenance: true },
      });
      expect(manifest["description"]).toMatch(/^.{15,200}\.$/);
      expect(manifest["private"]).toBeUndefined();
      expect(manifest.exports).toHaveProperty(["./package.json"]);
      // It says which package it is of, and how it is installed.
      const readme = readFileSync(join(folder, "README.md"), "utf8");
      expect(readme).toMatch(`# ${manifest.name}\n`);
      expect(readme).toMatch(/^npm install .*$/m);
    }
  });

  it("is the same to the last byte when it is built again, elsewhere", async () => {
    using stranger = outside().stranger();
    const [first, second] = ["first", "second"].map((name) => join(stranger.folder, name));
    mkdirSync(first!);
    mkdirSync(second!);
    const before = outside().builtFolders.map((folder) => pack(folder, first!));
    const again = await buildPackages({ into: join(stranger.folder, "built") });
    expect(again.map((folder) => pack(folder, second!))).toEqual(before);
  });
}
