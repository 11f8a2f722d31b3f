import { isFatal } from "@streamer/core";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadMapping } from "../../src/generate-report/index.ts";
import { locateFiles } from "../../src/generate-report/mapping.ts";
import { FILES, SOURCES, report, temporaryFolder, writeShop } from "./shops.ts";

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isFatal(error), String(error)).toBe(true);
  return (error as Error).message;
};
const withSource = (name: string, sql: string): unknown => ({ ...SOURCES, sources: { ...SOURCES.sources, [name]: sql } });

describe("mapping", () => {
  it("is asked for, with an example that works, when there is none", async () => {
    const message = await refusal(loadMapping(await writeShop(FILES, null)));
    expect(message).toContain('"sources.json" is not in the data folder');
    const example = JSON.parse(message.slice(message.indexOf("{"))) as unknown;
    const folder = await writeShop({}, example);
    expect((await loadMapping(folder)).title).toBe("My shop");
  });

  it("is refused with what is wrong and where", async () => {
    expect(await refusal(loadMapping(await writeShop({}, "{")))).toContain("is not JSON");
    const wrong = await refusal(loadMapping(await writeShop({}, { ...SOURCES, currency: "euro", colour: 1 })));
    expect(wrong).toContain("currency: must be a currency code");
    expect(wrong).toContain("colour");
  });

  it("names the columns a source lacks, and the source whose SQL fails, without the server's folders", async () => {
    const lacking = await writeShop(FILES, withSource("products", "SELECT product_key FROM 'products.csv'"));
    expect(await refusal(report({ dataFolder: lacking }))).toContain('"products" gives no product, no category');
    const missing = await writeShop(FILES, withSource("customers", "SELECT * FROM 'nobody.csv'"));
    const message = await refusal(report({ dataFolder: missing }));
    expect(message).toContain('"customers" could not be read');
    expect(message).not.toContain(missing);
  });

  it("refuses keys listed twice, which would count lines twice", async () => {
    const folder = await writeShop({ ...FILES, "products.csv": "product_key,product,category\n1,A,X\n1,B,Y" });
    expect(await refusal(report({ dataFolder: folder }))).toContain('"products" gives 1 product_key more than once, such as "1"');
  });

  it("reads its data folder and nothing else on the machine, whatever its SQL says", async () => {
    const secret = join(await temporaryFolder(), "secret.csv");
    await writeFile(secret, "customer_key,customer\n1,secret");
    for (const sql of [
      `SELECT * FROM '${secret}'`,
      `SELECT * FROM read_csv('${secret}')`,
      "SELECT 1 AS customer_key, getenv('HOME') AS customer",
    ]) {
      const folder = await writeShop(FILES, withSource("customers", sql));
      expect(await refusal(report({ dataFolder: folder }))).toContain('"customers" could not be read');
    }
    const escape = await writeShop(
      FILES,
      withSource("customers", "SELECT 1 AS customer_key, 'x' AS customer); SET memory_limit='9GB'; SELECT * FROM (SELECT 1"),
    );
    expect(await refusal(report({ dataFolder: escape }))).toContain('"customers" could not be read');
  });

  it("points file names at the data folder, and leaves texts, identifiers and comments alone", async () => {
    const folder = await writeShop();
    const { sql, textFiles } = locateFiles(`SELECT 'orders', "orders.csv", 'x.csv' -- 'orders.csv'\nFROM 'orders.csv'`, folder);
    expect(sql).toBe(`SELECT 'orders', "orders.csv", 'x.csv' -- 'orders.csv'\nFROM '${join(folder, "orders.csv")}'`);
    expect(textFiles).toBe(1);
    expect(locateFiles("FROM 'ord*.csv'", folder).sql).toBe(`FROM '${join(folder, "ord*.csv")}'`);
  });
});
