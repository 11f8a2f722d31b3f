/** The lifecycle is drawn twice for people: both drawings say what the table says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isTerminal, type RequestStatus } from "@streamer/protocol";
import { expect, it } from "vitest";
import { LIFECYCLE } from "./lifecycle.ts";

const read = (path: string): string => readFileSync(join(import.meta.dirname, "../../../..", path), "utf8");
const arrows = Object.entries(LIFECYCLE).flatMap(([from, row]) =>
  Object.entries(row).flatMap(([verb, all]) => all.map((to) => ({ from, verb, to }))),
);

it("is what ARCHITECTURE.md draws, verb by verb", () => {
  const [, drawing = ""] = /## Lifecycle\n\n```mermaid\n([^`]*)```/.exec(read("ARCHITECTURE.md")) ?? [];
  const drawn = Array.from(drawing.matchAll(/^ {2}(\S+) --> (\S+): (.+)$/gm)).flatMap(([, from = "", to = "", label = ""]) =>
    label
      .replaceAll(/ \([^)]*\)/g, "")
      .split(" or ")
      .map((verb) => `${from.replace("[*]", "UNKNOWN")} ${verb} ${to}`),
  );
  expect(drawn.toSorted()).toEqual(arrows.map(({ from, verb, to }) => `${from} ${verb} ${to}`).toSorted());
});

it("is what docs/protocol.md tells clients (§8)", () => {
  const section = /\n## 8\. Status\n([\s\S]*?)\n### /.exec(read("docs/protocol.md"))?.[1] ?? "";
  const told = Array.from(section.matchAll(/^\| ([A-Z]*) ?\| ([A-Z, ]+) \|/gm)).flatMap(([, from = "", to = ""]) =>
    to.split(", ").map((one) => `${from || "UNKNOWN"} ${one}`),
  );
  expect(told.toSorted()).toEqual(Array.from(new Set(arrows.map(({ from, to }) => `${from} ${to}`))).toSorted());
});

it("P2 has ends that are left by a retry by hand alone, and reaches one from everywhere", () => {
  const left = arrows.filter(({ from }) => from !== "UNKNOWN" && isTerminal(from as RequestStatus));
  expect(left).toEqual([{ from: "FAILED", verb: "redrive", to: "PENDING" }]);
  const reaches = (status: string, seen: readonly string[] = []): boolean =>
    (status !== "UNKNOWN" && isTerminal(status as RequestStatus)) ||
    arrows.some(({ from, to }) => from === status && !seen.includes(to) && reaches(to, [...seen, status]));
  expect(Object.keys(LIFECYCLE).filter((status) => !reaches(status))).toEqual([]);
});
