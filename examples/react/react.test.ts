/** The example as a person uses it, in a real browser. */
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchChromium } from "../../scripts/chromium.ts";
import { serveReports, type Reports } from "./serve.ts";

let browser: Browser;
let reports: Reports;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "example-react-"));
  [browser, reports] = await Promise.all([launchChromium(), serveReports({ folder, rows: 30_000 })]);
  // The first time, Chromium is unpacked.
});

afterAll(async () => {
  await browser.close();
  await reports.stop();
});

test("a report is made over a reload and downloaded, another one is cancelled", async () => {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (said) => said.type() === "error" && problems.push(said.text()));
  const card = (index: number) => page.locator("article").nth(index);

  await page.goto(reports.url);
  await page.getByText("Live").waitFor();
  await page.getByText("Excel").click();
  await page.getByText("Make report").click();
  await card(0).locator("progress").waitFor();

  await page.getByText("PDF").first().click();
  await page.getByLabel("Period").selectOption("2024");
  await page.getByText("Make report").click();
  await card(0).getByText("Cancel", { exact: true }).click();
  await card(0).getByText("Cancelled.").waitFor();
  expect(await card(0).locator("h2").textContent()).toBe("Sales 2024");

  await page.reload();
  await card(0).getByText("Cancelled.").waitFor();
  const downloading = page.waitForEvent("download");
  await card(1).getByText("Download").click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/\.xlsx$/);
  expect((await readFile(await download.path())).subarray(0, 2).toString()).toBe("PK");

  await card(0).getByText("Make it again").click();
  await card(0).getByText("Download").waitFor();
  await card(1).getByText("Remove").click();
  await page.reload();
  await card(0).getByText("Download").waitFor();
  expect(await page.locator("article").count()).toBe(1);
  expect(problems).toEqual([]);
});
