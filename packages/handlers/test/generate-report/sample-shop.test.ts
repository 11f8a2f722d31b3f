import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeSampleShop } from "../../src/generate-report/index.ts";
import { report, temporaryFolder, totalsOf } from "./shops.ts";

async function digest(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const hashes = names.map(
    async (name) =>
      [
        name,
        createHash("sha256")
          .update(await readFile(join(folder, name)))
          .digest("hex"),
      ] as const,
  );
  return Object.fromEntries(await Promise.all(hashes));
}

describe("sample shop", () => {
  it("is the same for the same rows and seed, and another for another seed", async () => {
    const folder = await temporaryFolder();
    for (const [name, seed] of [
      ["a", 1],
      ["b", 1],
      ["c", 2],
    ] as const)
      await writeSampleShop(join(folder, name), { rows: 20_000, seed });
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((name) => digest(join(folder, name))));
    expect(Object.keys(a ?? {})).toEqual([
      "customers.parquet",
      "order_lines.parquet",
      "products.parquet",
      "sample-shop.json",
      "sources.json",
    ]);
    expect(b).toEqual(a);
    expect(c?.["order_lines.parquet"]).not.toBe(a?.["order_lines.parquet"]);
  });

  it("is kept when it is there, and made anew only when asked", async () => {
    const folder = join(await temporaryFolder(), "shop");
    expect(await writeSampleShop(folder, { rows: 1_000 })).toMatchObject({ rows: 1_000, created: true });
    expect(await writeSampleShop(folder, { rows: 2_000 })).toMatchObject({ rows: 1_000, created: false });
    expect(await writeSampleShop(folder, { rows: 2_000, replace: true })).toMatchObject({ rows: 2_000, created: true });
  });

  it("never touches a folder with other files in it", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "mine.txt"), "mine");
    await expect(writeSampleShop(folder, { rows: 1_000 })).rejects.toThrow("holds other files");
    expect(await readdir(folder)).toEqual(["mine.txt"]);
    await expect(writeSampleShop(folder, { rows: 0 })).rejects.toThrow("rows must be a whole number");
  });

  it("is a shop worth reporting on: three years, returns, one category with most of the revenue, one that starts late", async () => {
    const dataFolder = join(await temporaryFolder(), "shop");
    await writeSampleShop(dataFolder, { rows: 50_000 });
    const { result } = await report({ dataFolder }, { start_date: "2023-01-01", end_date: "2025-12-31", report_type: "custom" });
    const totals = totalsOf(result);
    expect(totals.lines).toBe(50_000);
    expect(result.stats).toMatchObject({ top_category: "Espresso machines", periods: 36 });
    const machines = await report({ dataFolder }, { filters: { category: "Espresso machines" } });
    const all = await report({ dataFolder });
    expect(totalsOf(machines.result).revenue / totalsOf(all.result).revenue).toBeGreaterThan(0.6);
    const late = await report({ dataFolder }, { end_date: "2024-06-30", filters: { category: "Care & spares" } });
    expect(late.result.records).toBe(0);
  });
});
