import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { MAX_CUSTOM_DAYS, MAX_DAYS } from "../../src/generate-report/index.ts";
import { reportInput } from "../../src/generate-report/input.ts";
import { documented, exampleIn } from "../documented.ts";
import { report, writeShop } from "./shops.ts";

const guide = documented("docs/guides/reports.md");

it("the guide's payload is accepted", () => {
  expect(reportInput.safeParse(exampleIn(guide, "payload"))).toMatchObject({ success: true });
});

it("the guide's limits are those of the code", () => {
  const count = (value: number): string => value.toLocaleString("en-US");
  expect(guide).toContain(`At most ${count(MAX_DAYS)} days; ${count(MAX_CUSTOM_DAYS)} with`);
});

it("the guide's mapping reports on files of that kind", async () => {
  const header = "ordered_at,order_no,sku,customer_no,qty,price,cost,status\n";
  const files = {
    "orders-2024.csv": `${header}2024-02-01 10:00:00,1,K1,7,2,10.00,4.00,sent\n2024-02-02 11:00:00,2,K1,7,1,10.00,4.00,cancelled\n`,
    "orders-2025.csv": `${header}2025-02-01 10:00:00,3,K1,7,2,10.00,4.00,sent\n`,
    "customers.csv": "number,name,region,country\n7,Anna,North,Norway\n",
    "products.json": '[{"sku":"K1","name":"Kettle","category":"Kitchen"}]',
  };
  const { path } = await report({ dataFolder: await writeShop(files, exampleIn(guide, "mapping")) });
  expect((await readFile(path, "utf8")).split("\n")[1]).toBe("2024-02-01,1,7,Anna,K1,Kettle,Kitchen,North,Norway,2,20.0000,12.0000");
});
