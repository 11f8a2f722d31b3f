import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MINIMUM_VERSIONS, refuseOldRuntime } from "../src/server/runtime.ts";

it("what this runs on is new enough", () => {
  expect(() => refuseOldRuntime()).not.toThrow();
});

it.each([
  [{ node: "24.12.9" }, /node 24\.12\.9 is older than 22\.22\.0 or 24\.13\.0: .*CVE-2025-59466/],
  [{ node: "22.21.9" }, /node 22\.21\.9 is older than/],
  [{ node: "23.11.0" }, /node 23\.11\.0 is older than/],
  [{ sqlite: "3.51.2" }, /sqlite 3\.51\.2 is older than 3\.51\.3: .*WAL-reset/],
  [{ sqlite: undefined }, /sqlite \(absent\) is older/],
  [{ undici: "6.22.9", node: "20.0.0" }, /node 20\.0\.0 .*; undici 6\.22\.9 /],
])("%o is refused by name, with the reason", (versions, message) => {
  expect(() => refuseOldRuntime({ ...process.versions, ...versions })).toThrow(message);
});

it.each([{ node: "24.13.0" }, { node: "22.22.0", undici: "6.23.0" }, { node: "25.0.0" }, { node: "24.13.0-nightly" }, { sqlite: "4.0" }])(
  "%o is taken",
  (versions) => {
    expect(() => refuseOldRuntime({ ...process.versions, ...versions })).not.toThrow();
  },
);

it("docs/security.md has the table", () => {
  const guide = readFileSync(new URL("../../../docs/security.md", import.meta.url), "utf8");
  for (const { minimum, why } of MINIMUM_VERSIONS)
    expect(guide).toContain(`| ${minimum.join(" or ")} | the server refuses to start | ${why} |`);
});
