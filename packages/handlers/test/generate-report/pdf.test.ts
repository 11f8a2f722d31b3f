/** What a reader of the PDF finds beside its text: chapters, tags, language, page, picture, and what to know first. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync, crc32 } from "node:zlib";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";
import { describe, expect, it } from "vitest";
import { FILES, report, SOURCES, writeShop } from "./shops.ts";
import { textBoxes } from "./text-boxes.ts";

const pdf = async (path: string) => getDocument({ data: new Uint8Array(await readFile(path)), verbosity: 0 }).promise;

/** A page's words in the order they are written. */
const textOf = async (path: string): Promise<string> =>
  (await textBoxes(path)).map(({ boxes }) => boxes.map(({ text }) => text).join(" ")).join("\n");

interface Tag {
  readonly role?: string;
  readonly children?: readonly Tag[];
}
const rolesIn = ({ role, children = [] }: Tag): readonly string[] => [...(role === undefined ? [] : [role]), ...children.flatMap(rolesIn)];

/** A red square. */
function png(): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(Buffer.concat([Buffer.from(type), data])));
    return Buffer.concat([length, Buffer.from(type), data, sum]);
  };
  const header = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0]);
  const rows = Buffer.concat(Array.from({ length: 8 }, () => Buffer.from([0, ...Array.from({ length: 8 }, () => [200, 0, 0]).flat()])));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

describe("a PDF report", () => {
  it("has chapters, a title, a language and tags for everything that is read", async () => {
    const { path, result } = await report({ dataFolder: await writeShop() }, { format: "pdf" });
    const document = await pdf(path);
    const chapters = (await document.getOutline()).map(({ title }) => title);
    expect(chapters).toEqual(["Totals", "Revenue by month", "Categories", "Top products", "Top regions", "Top customers", "Order lines"]);
    const { info } = (await document.getMetadata()) as { info: Record<string, unknown> };
    expect(info).toMatchObject({ Title: "Corner shop: Monthly report, 1 Jan 2024 to 31 Dec 2024", Language: "en" });
    expect(await document.getMarkInfo()).toEqual(
      new Map([
        ["Marked", true],
        ["UserProperties", false],
        ["Suspects", false],
      ]),
    );
    const page = await document.getPage(1);
    const roles = new Set(rolesIn((await page.getStructTree()) as Tag));
    for (const role of ["Document", "H1", "H2", "P", "Figure", "Table", "TR", "TH", "TD"]) expect(roles).toContain(role);
    expect(result.stats).toMatchObject({ pages: document.numPages, fonts: ["latin"] });
    await document.loadingTask.destroy();
  });

  it("ends every table in the totals of the report", async () => {
    const { path } = await report({ dataFolder: await writeShop() }, { format: "pdf" });
    const text = await textOf(path);
    expect(text.match(/Total 3 2 5 315\.50 100\.0% 105\.25 33\.4%/g)).toHaveLength(4);
    expect(text).toContain("Total 3 5 315.50 100.0% 105.25 33.4%");
    expect(text).toMatch(/Total 5 315\.50(?! 100)/);
  });

  it("without its detail is the summary alone", async () => {
    const { path, result } = await report({ dataFolder: await writeShop() }, { format: "pdf", include_detail: false });
    expect(await textOf(path)).not.toContain("Order lines");
    expect(result.records).toBe(0);
  });

  it("is on the mapping's paper, with its picture, in its language", async () => {
    const dataFolder = await writeShop(FILES, {
      ...SOURCES,
      page_size: "Letter",
      logo: "logo.png",
      locale: "de",
      colours: { primary: "#7A1F3D" },
    });
    await writeFile(join(dataFolder, "logo.png"), png());
    const { path } = await report({ dataFolder }, { format: "pdf" });
    const [page] = await textBoxes(path);
    expect([page?.width, page?.height]).toEqual([612, 792]);
    const text = await textOf(path);
    for (const expected of ["Umsatz nach Monaten", "315,50 €", "Seite 1 von"]) expect(text.replaceAll("\u00A0", " ")).toContain(expected);
    expect((await readFile(path)).includes("/Subtype /Image")).toBe(true);
  });

  it("refuses a picture that is none, by name", async () => {
    const dataFolder = await writeShop(FILES, { ...SOURCES, logo: "logo.png" });
    await writeFile(join(dataFolder, "logo.png"), "no picture");
    await expect(report({ dataFolder }, { format: "pdf" })).rejects.toThrow('The mapping\'s logo "logo.png" could not be read');
  });

  it("says first, and in the result, which letters it could not print", async () => {
    const products = "product_key,product,category\n1,காபி கோப்பை,Cups\n2,Чашка 手冲,Cups";
    const { path, result } = await report({ dataFolder: await writeShop({ ...FILES, "products.csv": products }) }, { format: "pdf" });
    const letters = result.warnings.filter(({ kind }) => kind === "unprinted_letters");
    expect(letters).toEqual([expect.objectContaining({ count: 1 })]);
    expect(letters[0]?.message).toMatch(/^5 letters of Tamil \(U\+0B95, U\+0BAA, …\) in 1 text cannot be printed in a PDF/);
    expect(result.stats["fonts"]).toEqual(["latin", "chinese"]);
    const text = await textOf(path);
    expect(text.indexOf("Please note")).toBeLessThan(text.indexOf("Revenue"));
    expect(text).toContain("5 letters of Tamil");
    expect(text).toContain("手冲");
  });

  it("of one line says line, and prints weights and crumbs as they are", async () => {
    const orders = "order_date,order_id,product_key,customer_key,quantity,revenue\n2024-05-01,A12345678901234567890,1,10,0.4,-0.004";
    const { path } = await report({ dataFolder: await writeShop({ ...FILES, "orders.csv": orders }) }, { format: "pdf" });
    const text = await textOf(path);
    for (const expected of ["1 order line", "A12345678901234567890", "0.4", "-0.004", "-€0.003"]) expect(text).toContain(expected);
    expect(text).not.toMatch(/1 order lines|-0\.00(?!\d)|…/);
  });

  it("tells of each page, and keeps the amounts on it, whatever the names", async () => {
    const names = ["W".repeat(36), "firstname.lastname+newsletter@subdomain.example-company.co.uk"];
    const lines = Array.from(
      { length: 300 },
      (_, index) => `2024-05-${String((index % 28) + 1).padStart(2, "0")},o${index},${(index % 2) + 1},10,1,12500000000.50,1,North`,
    );
    const orders = ["order_date,order_id,product_key,customer_key,quantity,revenue,profit,region", ...lines].join("\n");
    const products = `product_key,product,category\n1,${names[0]},${names[1]}\n2,${names[1]},${names[0]}`;
    const { path, reports } = await report(
      { dataFolder: await writeShop({ ...FILES, "orders.csv": orders, "products.csv": products }) },
      { format: "pdf" },
    );
    expect(reports.filter(({ message }) => /^Page \d+ laid out$/.test(message ?? "")).length).toBeGreaterThan(5);
    const pages = await textBoxes(path);
    const amounts = pages.flatMap(({ boxes, width }) =>
      boxes.filter(({ text, right }) => text === "12,500,000,000.50" && right < width - 30),
    );
    expect(amounts).toHaveLength(300);
  });
});
