/**
 * The table of phase.ts, held complete by the compiler: what each input makes of each phase. Below it what holds for
 * every way through the table.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REQUEST_STATUSES } from "@streamer/protocol";
import { isNews, next, reading, type Going, type Input, type Phase } from "./phase.ts";

type Name = Phase["name"];
type Step = Input["type"] | "enter another store";

const FRAME = '{"type":"request"}';
const PHASES: { readonly [N in Name]: Extract<Phase, { readonly name: N }> } = {
  unsent: { name: "unsent", frame: FRAME, seq: 0, epoch: "e1" },
  sent: { name: "sent", frame: FRAME, times: 1, seq: 0, epoch: "e1" },
  attached: { name: "attached", seq: 4, epoch: "e1" },
  live: { name: "live", seq: 4, horizon: 3, epoch: "e1" },
  astray: { name: "astray", seq: 0, epoch: "e2" },
  over: { name: "over", from: { name: "live", seq: 4, horizon: 3, epoch: "e1" } },
};
const INPUTS: { readonly [S in Step]: Input } = {
  send: { type: "send" },
  enter: { type: "enter", epoch: "e1" },
  "enter another store": { type: "enter", epoch: "e3" },
  hear: { type: "hear", seq: 7 },
  snapshot: { type: "snapshot", seq: 5, horizon: 9 },
  end: { type: "end" },
};

const met = (seq: number, horizon: number, epoch = "e1"): Phase => ({ name: "live", seq, horizon, epoch });
const over = (from: Going): Phase => ({ name: "over", from });
const { unsent, sent, attached, live, astray } = PHASES;

/** `same`: nothing changes at all. */
const TABLE: { readonly [N in Name]: { readonly [S in Step]: Phase | "same" } } = {
  unsent: {
    send: { ...sent, times: 1 },
    enter: unsent,
    "enter another store": { ...unsent, epoch: "e3" },
    hear: met(7, 0),
    snapshot: met(5, 9),
    end: over(unsent),
  },
  sent: {
    send: { ...sent, times: 2 },
    enter: sent,
    "enter another store": { ...sent, epoch: "e3" },
    hear: met(7, 0),
    snapshot: met(5, 9),
    end: over(sent),
  },
  attached: {
    send: "same",
    enter: attached,
    "enter another store": { ...astray, epoch: "e3" },
    hear: met(7, 0),
    snapshot: met(5, 9),
    end: over(attached),
  },
  live: {
    send: "same",
    enter: live,
    "enter another store": { ...astray, epoch: "e3" },
    hear: met(7, 3),
    snapshot: met(5, 9),
    end: over(live),
  },
  astray: {
    send: "same",
    enter: { ...astray, epoch: "e1" },
    "enter another store": { ...astray, epoch: "e3" },
    hear: "same",
    snapshot: met(5, 9, "e2"),
    end: over(astray),
  },
  over: { send: "same", enter: "same", "enter another store": "same", hear: "same", snapshot: "same", end: "same" },
};

describe.each(Object.entries(TABLE))("%s", (name, row) => {
  const phase = PHASES[name as Name];
  it.each(Object.entries(row))("on %s", (step, expected) => {
    const result = next(phase, INPUTS[step as Step]);
    expect(result).toEqual(expected === "same" ? phase : expected);
    expect(result === phase).toBe(expected === "same");
  });
});

it("an answer without a seq moves no cursor, and a first store is taken as it comes", () => {
  expect(next(attached, { type: "hear" })).toEqual(met(4, 0));
  expect(next(sent, { type: "hear" })).toEqual(met(0, 0));
  expect(next({ name: "attached", seq: 4 }, { type: "enter", epoch: "e9" })).toEqual({ name: "attached", seq: 4, epoch: "e9" });
});

it("P5 P6 news is what is above the last seq seen, and of no other store; answers always are", () => {
  for (const phase of [attached, live]) expect([3, 4, 5, undefined].map((seq) => isNews(phase, seq))).toEqual([false, false, true, true]);
  for (const phase of [unsent, sent]) expect([1, undefined].map((seq) => isNews(phase, seq))).toEqual([true, true]);
  expect([9, undefined].map((seq) => isNews(astray, seq))).toEqual([false, true]);
});

describe("a snapshot is read", () => {
  const told = (seq: number, status: "PENDING" | "PROCESSING" | "COMPLETED" = "PROCESSING", recovered = true) => ({
    seq,
    status,
    recovered,
  });
  const read = (phase: Going, snapshot: ReturnType<typeof told>): string => reading(phase, "PROCESSING", snapshot);

  it("as all there is, when nothing can follow it", () => {
    for (const phase of [unsent, sent, attached, live, astray]) expect(read(phase, told(9, "PROCESSING", false))).toBe("take");
    expect(read(astray, told(9))).toBe("take");
  });
  it("as the beginning of what follows, when there is more than was seen", () => {
    for (const phase of [unsent, sent, live, { ...attached, seq: 0 }]) expect(read(phase, told(9))).toBe("wait");
  });
  it("as what to show meanwhile, when the rest was seen elsewhere", () => {
    expect(read(attached, told(9))).toBe("glance");
    expect(read(attached, told(9, "COMPLETED"))).toBe("wait");
  });
  it("as nothing new, when it is what is known", () => {
    expect(read(live, told(4))).toBe("wait");
    expect(read(live, told(4, "PENDING"))).toBe("take");
    expect(read(attached, told(4))).toBe("take");
  });
});

describe("whatever happens", () => {
  const input: fc.Arbitrary<Input> = fc.oneof(
    fc.constant<Input>({ type: "send" }),
    fc.constantFrom("e1", "e2").map((epoch): Input => ({ type: "enter", epoch })),
    fc.option(fc.nat({ max: 20 }), { nil: undefined }).map((seq): Input => ({ type: "hear", seq })),
    fc.record({ seq: fc.nat({ max: 20 }), horizon: fc.nat({ max: 20 }) }).map((at): Input => ({ type: "snapshot", ...at })),
  );
  const beginning = fc.constantFrom<Going>(unsent, attached);
  const isUnanswered = (phase: Phase): boolean => "frame" in phase;

  it("P4 a frame is kept until something was heard, and comes back never", () => {
    fc.assert(
      fc.property(beginning, fc.array(input), (first, inputs) => {
        let phase: Phase = first;
        for (const each of inputs) {
          const was = isUnanswered(phase);
          phase = next(phase, each);
          const hears = each.type === "hear" || each.type === "snapshot";
          expect(isUnanswered(phase)).toBe(was && !hears);
        }
      }),
    );
  });

  it("P5 P6 the cursor goes back in a snapshot alone, and news raises it", () => {
    fc.assert(
      fc.property(beginning, fc.array(input), (first, inputs) => {
        let phase: Going = first;
        for (const each of inputs) {
          if (each.type === "hear" && !isNews(phase, each.seq)) continue;
          const before = phase;
          phase = next(phase, each) as Going;
          const isLed = each.type === "snapshot";
          expect(isLed || phase.name === "astray" || phase.seq >= before.seq).toBe(true);
          expect(isLed || before.name !== "astray" || phase.name === "astray").toBe(true);
        }
      }),
    );
  });

  it("what is over keeps what it would go on from", () => {
    fc.assert(
      fc.property(beginning, fc.array(input), fc.array(input), (first, inputs, later) => {
        const going = inputs.reduce(next, first as Phase) as Going;
        const ended = next(going, { type: "end" });
        expect(ended).toEqual({ name: "over", from: going });
        expect(later.reduce(next, ended)).toBe(ended);
      }),
    );
  });

  it("a snapshot that is not recovered is taken, whatever it tells", () => {
    for (const status of REQUEST_STATUSES) expect(reading(live, status, { seq: 4, recovered: false, status })).toBe("take");
  });
});
