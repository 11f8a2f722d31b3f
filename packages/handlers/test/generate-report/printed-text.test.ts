/** How texts and numbers are printed in a PDF: broken, cut, turned round, shortened. */
import PDFDocument from "pdfkit";
import { describe, expect, it } from "vitest";
import { labelStep, ticksOf } from "../../src/generate-report/pdf/charts/scale.ts";
import { formatsFor } from "../../src/generate-report/pdf/formats.ts";
import { openFaces } from "../../src/generate-report/pdf/text/faces.ts";
import { linesOf } from "../../src/generate-report/pdf/text/lines.ts";
import { runsOf } from "../../src/generate-report/pdf/text/runs.ts";
import { createTypesetter } from "../../src/generate-report/pdf/text/typesetter.ts";
import { unprintedIn } from "../../src/generate-report/pdf/text/unprinted.ts";

/** Letters of one point each. */
const lines = (text: string, width: number, maxLines = 3): readonly string[] =>
  linesOf(text, { width, maxLines, measure: (part) => part.length });

describe("lines of a text", () => {
  it("break between words, and in a word that is longer than a line", () => {
    expect(lines("Espresso machine, large", 10)).toEqual(["Espresso", "machine,", "large"]);
    expect(lines("Donaudampfschiff mit", 9)).toEqual(["Donaudamp", "fschiff", "mit"]);
  });

  it("break a long address after its signs", () => {
    expect(lines("firstname.lastname@example-company.co.uk", 20)).toEqual(["firstname.lastname@", "example-company.co.", "uk"]);
  });

  it("break between words that no space parts", () => {
    expect(lines("手冲咖啡壶套装", 4).join("")).toBe("手冲咖啡壶套装");
    expect(lines("แก้วกาแฟน้ำผึ้ง", 8).length).toBeGreaterThan(1);
  });

  it("say that more was there", () => {
    expect(lines("one two three four five", 5, 2)).toEqual(["one", "two…"]);
    expect(lines("W".repeat(36), 10, 3)).toEqual(["W".repeat(10), "W".repeat(10), `${"W".repeat(9)}…`]);
  });

  it("never part the letters of one sign", () => {
    for (const line of lines("👩‍💻👩‍💻👩‍💻👩‍💻", 6)) expect(line.replaceAll("👩‍💻", "").replace("…", "")).toBe("");
  });
});

describe("a key that is too long", () => {
  it("is shortened inside, and keeps both ends", () => {
    const type = createTypesetter(new PDFDocument(), "en");
    const style = { size: 7 };
    const fitted = type.fit("12345678901234567890123456789012345678901234567890", style, { width: 100, inside: true });
    expect(fitted).toMatch(/^12345\d+…\d+67890$/);
    expect(type.measure(fitted, style)).toBeLessThanOrEqual(100);
    expect(type.fit("12345678901234567890", style, { width: 100, inside: true })).toBe("12345678901234567890");
  });
});

describe("runs of a text", () => {
  const faces = openFaces("en");
  it("are in the order they are seen: from the right, with numbers and Latin from the left", () => {
    const seen = (text: string): readonly string[] =>
      runsOf(text, faces)
        .map((run) => run.text.trim())
        .filter((run) => run !== "");
    expect(seen("כוס 350 מ״ל")).toEqual(["מ״ל", "350", "כוס"]);
    expect(runsOf("(كبير)", faces).map(({ text }) => text)).toEqual(["(", "كبير", ")"]);
    expect(runsOf("Cup كوب (x)", faces).map(({ text }) => text)).toEqual(["Cup ", "كوب", " (x)"]);
  });

  it("take Han letters from the face that the text's other letters or the report's language ask for", () => {
    const han = (text: string, tag = "en"): string | undefined => runsOf(text, openFaces(tag))[0]?.face;
    expect([han("手冲"), han("手冲", "ja"), han("東京タワー"), han("漢字 한글")]).toEqual(["chinese", "japanese", "japanese", "korean"]);
  });

  it("leave out what is not seen, and say what cannot be printed", () => {
    expect(
      runsOf("a\u202Eb\u200Bc\uFEFF", faces)
        .map(({ text }) => text)
        .join(""),
    ).toMatch(/^[abc]{3}$/);
    expect(unprintedIn(["காபி கோப்பை", "Cup", "ხელი"], faces)).toEqual([
      { script: "Georgian", texts: 1, letters: 4, examples: ["ხელი"], codes: ["U+10EE", "U+10D4", "U+10DA"] },
      { script: "Tamil", texts: 1, letters: 5, examples: ["காபி கோப்பை"], codes: ["U+0B95", "U+0BAA"] },
    ]);
  });
});

describe("numbers", () => {
  const euro = formatsFor({ tag: "en", currency: "EUR", moneyDecimals: 2 });
  it("have every digit they came with", () => {
    expect(euro.amount("4999999999999956.1701")).toBe("4,999,999,999,999,956.17");
    expect(euro.amount("99999999999999.1234", 4)).toBe("99,999,999,999,999.1234");
    expect(formatsFor({ tag: "de", currency: "JPY", moneyDecimals: 0 }).amount("12500000000.0000")).toBe("12.500.000.000");
  });

  it("are never a zero with a minus, nor a nothing that is something", () => {
    expect([euro.amount("-0.0000"), euro.money(-0), euro.count("-0.000", 3)]).toEqual(["0.00", "€0.00", "0"]);
    expect([euro.amount("-0.0040"), euro.count("0.4"), euro.money("0.0001")]).toEqual(["-0.0040", "0.4", "€0.0001"]);
  });

  it("are no part of nothing, and no growth over a loss", () => {
    expect([euro.share(1, 0), euro.share(1, -5), euro.share(1, 3)]).toEqual(["–", "–", "33.3%"]);
    expect([euro.growth(5, 0), euro.growth(5, -1), euro.growth(5, undefined), euro.growth(3, 2), euro.growth(1e9, 1)]).toEqual([
      "",
      "",
      "",
      "+50.0%",
      ">+999.9%",
    ]);
  });
});

describe("a chart's labels", () => {
  it("stand under every so manieth period: months by quarters and years", () => {
    const step = (count: number): number => labelStep("month", 45, { count, width: 480 });
    expect([step(6), step(12), step(24), step(36), step(120)]).toEqual([1, 2, 3, 6, 12]);
    expect(labelStep("year", 30, { count: 100, width: 480 })).toBe(10);
  });

  it("are round along the axis, zero among them", () => {
    expect(ticksOf(0, 1_519_150)).toEqual([0, 500_000, 1_000_000, 1_500_000, 2_000_000]);
    expect(ticksOf(-120, 300)).toEqual([-200, 0, 200, 400]);
    expect(ticksOf(0, 0)).toEqual([0, 1]);
  });
});
