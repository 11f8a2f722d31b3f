import { describe, expect, it } from "vitest";
import { createStages, partsByCost } from "./stages.ts";

function staged(costs: { readonly read: number; readonly learn: number; readonly write: number }) {
  const told: number[] = [];
  const stages = createStages({ report: (percentage) => void told.push(percentage) }, costs);
  return { stages, told };
}

describe("the bar of a run", () => {
  it("is divided by what its stages should cost", () => {
    const { stages, told } = staged({ read: 10, learn: 80, write: 10 });
    const read = stages.stage("read");
    read(0, "");
    read(0.5, "");
    read(1, "");
    stages.stage("learn")(0.5, "");
    stages.stage("write")(0, "");
    expect(told).toEqual([0, 5, 10, 50, 50]);
  });

  it("shares the rest of it anew when more is known, and never goes back", () => {
    const { stages, told } = staged({ read: 50, learn: 25, write: 25 });
    const read = stages.stage("read");
    read(0, "");
    // What the stage finds at its beginning counts for it too.
    stages.expect({ read: 20, learn: 60, write: 20 });
    read(1, "");
    stages.expect({ learn: 0 });
    stages.stage("learn")(1, "");
    const write = stages.stage("write");
    write(0.5, "");
    write(0.2, "");
    write(7, "");
    expect(told).toEqual([0, 20, 20, 60, 60, 100]);
  });

  it("goes on where a stage ended that was told no end", () => {
    const { stages, told } = staged({ read: 50, learn: 25, write: 25 });
    stages.stage("read")(0.2, "");
    stages.stage("learn")(1, "");
    stages.stage("write")(1, "");
    expect(told).toEqual([10, 55, 100]);
    expect(Object.keys(stages.timings())).toEqual(["read_ms", "learn_ms", "write_ms"]);
  });

  it("gives each step of a stage a part as long as it should cost", () => {
    const told: number[] = [];
    const [cheap, dear, free] = partsByCost((done) => void told.push(done), [1, 1, 0]);
    cheap!(1, "");
    dear!(0.5, "");
    dear!(1, "");
    free!(1, "");
    expect(told).toEqual([0.5, 0.75, 1, 1]);
    expect(partsByCost(() => {}, [0, 0])).toHaveLength(2);
  });
});
