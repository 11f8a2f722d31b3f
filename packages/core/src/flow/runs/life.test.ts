import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Claim } from "../../ports/requests.ts";
import { LIFE, move, type LifeEvent, type Phase } from "./life.ts";

const claim = {} as Claim;
const phases: Readonly<Record<Phase["name"], Phase>> = {
  answering: { name: "answering", overrunAt: 0 },
  promoting: { name: "promoting", promotion: Promise.resolve() },
  leased: { name: "leased", claim, since: 0 },
  settling: { name: "settling", claim },
  superseded: { name: "superseded" },
  ended: { name: "ended" },
};
const cells = Object.entries(LIFE).flatMap(([from, row]) => Object.entries(row).map(([event, to]) => ({ from, event, to })));
const arrows = cells.filter(({ to }) => to !== "never");

it("has the arrows of its drawing, and no other", () => {
  expect(cells).toHaveLength(36);
  expect(arrows.map(({ from, event, to }) => `${from} ${event} ${to}`).toSorted()).toEqual([
    "answering finish ended",
    "answering promote promoting",
    "leased finish settling",
    "promoting lease leased",
    "promoting refuse answering",
    "promoting yield superseded",
    "settling settle ended",
    "superseded finish ended",
  ]);
});

it("is the same life that ARCHITECTURE.md draws", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../../../ARCHITECTURE.md"), "utf8");
  const [, drawing = ""] = /## The life of a run\n\n```mermaid\n([^`]*)```/.exec(text) ?? [];
  const drawn = Array.from(drawing.matchAll(/^ {2}(\w+) --> (\w+): (\w+)$/gm), ([, from, to, event]) => `${from} ${event} ${to}`);
  expect(drawn.toSorted()).toEqual(arrows.map(({ from, event, to }) => `${from} ${event} ${to}`).toSorted());
});

it.each(cells)("from $from by $event moves to $to and nowhere else", ({ from, event, to }) => {
  const possible = Object.values(phases).filter((target) => {
    try {
      return move(phases[from as Phase["name"]], event as LifeEvent, target) === target;
    } catch {
      return false;
    }
  });
  expect(possible.map(({ name }) => name)).toEqual(to === "never" ? [] : [to]);
});

it("P2 every phase leads to the end, which is left by nothing", () => {
  const leads = (name: string, seen: readonly string[] = []): boolean =>
    name === "ended" || arrows.some(({ from, to }) => from === name && !seen.includes(to) && leads(to, [...seen, name]));
  expect(Object.keys(phases).filter((name) => !leads(name))).toEqual([]);
  expect(arrows.filter(({ from }) => from === "ended")).toEqual([]);
});

it("P3 no run is settled without a lease", () => {
  expect(arrows.filter(({ to }) => to === "settling").map(({ from }) => from)).toEqual(["leased"]);
});
