/** Names of the data that mean something to JavaScript mean nothing to a plot. */
import { expect, it } from "vitest";
import { draw, printable } from "../../src/process-data/outputs/report/drawing.ts";

it.each(Object.getOwnPropertyNames(Object.prototype))("a class called %s is drawn, and nothing else is changed", (name) => {
  const before = [...Object.getOwnPropertyNames(Object.prototype), ...Object.getOwnPropertyNames(Object.prototype.valueOf)];
  const label = printable(name);
  const svg = draw(200, {
    xAxis: { type: "category", data: [label, "other"] },
    yAxis: { type: "value" },
    legend: {},
    series: [{ type: "bar", name: label, data: [1, 2] }],
  });
  expect(svg).toContain(name);
  expect([...Object.getOwnPropertyNames(Object.prototype), ...Object.getOwnPropertyNames(Object.prototype.valueOf)]).toEqual(before);
});
