/**
 * Whatever a shop brings, the pages of its report hold: nothing is printed over anything else, nothing leaves the page,
 * and every figure is there. STREAMER_PDF_SHOPS tells how many random shops are printed; 1,000 take some minutes.
 */
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printFurniture, printReport, textsOf } from "../../src/generate-report/pdf/document.ts";
import { figuresTable } from "../../src/generate-report/pdf/figures-table.ts";
import { createPaper } from "../../src/generate-report/pdf/page/paper.ts";
import { unprintedIn } from "../../src/generate-report/pdf/text/unprinted.ts";
import { paletteOf } from "../../src/generate-report/pdf/theme.ts";
import { printedShop, SCRIPTS, type PrintedShop } from "./printed-shops.ts";
import { lettersOf, outside, overlapping, textBoxes } from "./text-boxes.ts";

const SHOPS = Number(process.env["STREAMER_PDF_SHOPS"] ?? 40);
const FIRST = Number(process.env["STREAMER_PDF_SEED"] ?? 1);

async function printed({ facts, formats, detail }: PrintedShop): Promise<Buffer> {
  const paper = createPaper({
    format: facts.settings.page_size === "Letter" ? "LETTER" : "A4",
    tag: facts.labels.tag,
    title: facts.title,
    author: facts.title,
    subject: facts.subtitle,
    createdAt: facts.generatedAt,
    colours: paletteOf(facts.settings.colours),
    turned: () => Promise.resolve(),
  });
  await printReport(paper, { facts, formats, detail, logo: undefined, warnings: facts.warnings, printed: () => undefined });
  paper.end((page, pages) => printFurniture(paper, facts, { page, pages }));
  return buffer(paper.document);
}

/** Every number of every table: none may be cut, broken or missing. */
function figuresOf({ facts, formats, detail }: PrintedShop): readonly string[] {
  const { summary, shape } = facts;
  const tables = [summary.periods, summary.categories, summary.products, summary.regions, summary.countries]
    .filter((rows) => rows.length > 0)
    .map((rows) => figuresTable({ title: "", rows }, { ...facts, shape }, formats));
  return [...tables, detail.table].flatMap(({ columns, rows }) =>
    rows.flatMap((row) => row.filter((_, index) => columns[index]?.kind === "number")),
  );
}

const count = (numbers: readonly string[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const number of numbers.map((text) => text.replaceAll(/\s/g, ""))) counts.set(number, (counts.get(number) ?? 0) + 1);
  return counts;
};

async function faultsOf(shop: PrintedShop): Promise<readonly string[]> {
  const pages = await textBoxes(await printed(shop));
  const boxes = count(pages.flatMap((page) => page.boxes.map(({ text }) => text)));
  const figures = [...count(figuresOf(shop).filter((text) => text !== ""))];
  return [
    ...pages.flatMap((page, index) => outside(page).map((text) => `page ${index + 1}: outside it, "${text}"`)),
    ...pages.flatMap((page, index) => overlapping(page).map((pair) => `page ${index + 1}: over each other, ${pair}`)),
    ...figures.filter(([figure, times]) => (boxes.get(figure) ?? 0) < times).map(([figure]) => `missing, ${figure}`),
    ...figures.filter(([figure]) => /^-[0.,\s]*$/.test(figure)).map(([figure]) => `a zero with a minus, ${figure}`),
  ];
}

describe("the pages of any shop", () => {
  // By seeds of its own, without shrinking: printing a shop takes a while, and the seed says which it was.
  it(`hold, for ${SHOPS} random shops in thirteen scripts`, { timeout: 60_000 + SHOPS * 3_000 }, async () => {
    for (let seed = FIRST; seed < FIRST + SHOPS; seed += 1) {
      const [shop] = fc.sample(printedShop, { seed, numRuns: 1 });
      expect({ seed, faults: await faultsOf(shop!) }).toEqual({ seed, faults: [] });
    }
  });

  it("print all thirteen scripts", async () => {
    const [shop] = fc.sample(printedShop, { numRuns: 1, seed: 1 });
    const rows = Object.values(SCRIPTS).map((text) => ["1", text, "", "", "1", "1.00"]);
    const detail = { ...shop!.detail, table: { ...shop!.detail.table, rows }, printed: rows.length, total: rows.length };
    const facts = {
      ...shop!.facts,
      title: "All",
      filters: [],
      warnings: [],
      summary: { ...shop!.facts.summary, categories: [], products: [], regions: [], countries: [], customers: [] },
    };
    const one: PrintedShop = { ...shop!, facts, detail };
    const paper = createPaper({
      format: "A4",
      tag: "en",
      title: "",
      author: "",
      subject: "",
      createdAt: facts.generatedAt,
      colours: paletteOf({}),
      turned: () => Promise.resolve(),
    });
    expect(unprintedIn(textsOf({ ...one, warnings: [] }), paper.type.faces)).toEqual([]);
    const letters = lettersOf(await textBoxes(await printed(one)));
    for (const text of ["ßÆŁőž", "Φλιτζάνι", "Чашка", "350", "手冲咖啡壶", "コーヒーカップ", "커피잔", "☕", "đá", "₹"])
      expect(letters).toContain(text);
    expect(letters).not.toContain("\uFFFD");
  });
});
