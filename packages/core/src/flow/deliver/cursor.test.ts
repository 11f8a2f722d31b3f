import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Frame } from "../../ports/events.ts";
import type { RequestKey } from "../../ports/requests.ts";
import { Cursor, FOLLOWING, type CursorPorts } from "./cursor.ts";

const KEY = "t/u/r" as RequestKey;
const frame = (seq: number): Frame => ({ seq, kind: "durable", text: String(seq) });
const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A cursor over a log that holds the seqs committed so far; reads and sends take as many turns as the test says. */
function setUp(turnsOf: () => number = () => 0) {
  const log: Frame[] = [];
  const sent: number[] = [];
  const reads: number[] = [];
  const wait = async (): Promise<void> => {
    for (let turns = turnsOf(); turns > 0; turns -= 1) await turn();
  };
  const ports: CursorPorts = {
    async read(_, after, limit) {
      reads.push(after);
      const page = log.filter(({ seq }) => seq > after).slice(0, limit);
      await wait();
      return page;
    },
    async send(_, __, frames, admit) {
      for (const { seq } of frames) {
        await wait();
        if (!admit(seq)) return;
        sent.push(seq);
      }
    },
    ready: wait,
  };
  const commit = (count: number): Frame[] => {
    const frames = range(log.length + 1, log.length + count).map(frame);
    log.push(...frames);
    return frames;
  };
  return { cursor: (last = 0) => new Cursor("c", KEY, last, ports), commit, sent, reads };
}

describe("P5 P6 a cursor", () => {
  it("sends what is published in order, whatever order it is published in", async () => {
    const { cursor, commit, sent } = setUp();
    const followed = cursor();
    const [first, second] = [commit(1), commit(1)];
    await Promise.all([followed.publish(second), followed.publish(first)]);
    expect(sent).toEqual([1, 2]);
    expect(followed.phase).toBe("live");
  });

  it("keeps what is published until it is released, or goes on from where it is told to", async () => {
    const { cursor, commit, sent } = setUp();
    const held = cursor();
    held.hold();
    await held.publish(commit(3));
    expect(sent).toEqual([]);
    await held.release();
    expect(sent).toEqual([1, 2, 3]);
    held.hold();
    await held.publish(commit(2));
    await held.follow(1);
    expect(sent).toEqual([1, 2, 3, 2, 3, 4, 5]);
  });

  it("a frame that still waits for its links when following begins anew is told once", async () => {
    const { cursor, commit, sent } = setUp(() => 2);
    commit(5);
    const asked = cursor();
    const first = asked.follow(0);
    while (sent.length < 4) await turn();
    // Two turns until the connection is ready for the fifth, and one of two for its links.
    for (let turns = 0; turns < 3; turns += 1) await turn();
    await Promise.all([first, asked.follow(4)]);
    expect(sent).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    [5, 0],
    [0, 5],
  ])("asked to go on from %i and, while it reads, from %i, tells all from the earlier", async (first, second) => {
    const { cursor, commit, sent } = setUp(() => 1);
    commit(6);
    const followed = cursor();
    await Promise.all([followed.follow(first), followed.follow(second)]);
    expect(sent.slice(-6)).toEqual([1, 2, 3, 4, 5, 6]);
    await followed.publish(commit(1));
    expect(sent.slice(-7)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("stops when its subscription is gone", async () => {
    const { cursor, commit, sent } = setUp(() => 1);
    commit(50);
    const followed = cursor();
    const following = followed.follow(0);
    await turn();
    await turn();
    followed.closed = true;
    await following;
    expect(sent.length).toBeLessThan(50);
  });

  it("leaves no gap and repeats nothing, however publications, replays and slowness meet", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("commit" as const), count: fc.integer({ min: 1, max: 3 }), late: fc.boolean() }),
      fc.constant({ do: "hold" as const }),
      fc.constant({ do: "release" as const }),
      fc.constant({ do: "take over" as const }),
      fc.constant({ do: "turn" as const }),
    );
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1 }),
      async (steps, turns) => {
        let at = 0;
        const { cursor, commit, sent } = setUp(() => turns[(at += 1) % turns.length]!);
        const followed = cursor();
        const late: Frame[][] = [];
        const telling: Promise<void>[] = [];
        let committed = 0;
        for (const one of steps) {
          if (one.do === "commit") {
            committed += one.count;
            const frames = commit(one.count);
            if (one.late) late.push(frames);
            else telling.push(followed.publish(frames));
          } else if (one.do === "hold") followed.hold();
          else if (one.do === "release") telling.push(followed.release());
          else if (one.do === "take over") telling.push(followed.takeOver(followed.last));
          else await turn();
        }
        for (const frames of late.toReversed()) telling.push(followed.publish(frames));
        telling.push(followed.release());
        await Promise.all(telling);
        expect(sent).toEqual(range(1, committed));
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it("sends nothing again that is published again", async () => {
    const { cursor, commit, sent, reads } = setUp();
    const followed = cursor();
    const frames = commit(2);
    await followed.publish(frames);
    await followed.publish(frames);
    expect(sent).toEqual([1, 2]);
    await followed.publish([...frames, ...commit(1)]);
    expect(sent).toEqual([1, 2, 3]);
    // Nothing was missing: the log was not asked.
    expect(reads).toEqual([]);
  });

  it("goes on from a seq that it has not come to", async () => {
    const { cursor, commit, sent, reads } = setUp();
    commit(6);
    await cursor().follow(4);
    expect(sent).toEqual([5, 6]);
    expect(reads).toEqual([4]);
  });

  it.each([
    [1, 3],
    [3, 1],
  ])("at %i, told by others up to %i, goes on after the later", async (last, after) => {
    const { cursor, commit, sent } = setUp();
    commit(5);
    await cursor(last).takeOver(after);
    expect(sent).toEqual([4, 5]);
  });

  it("reads the log page by page, to a page that is not full", async () => {
    const { cursor, commit, sent, reads } = setUp();
    commit(1_000);
    await cursor().follow(0);
    expect(sent).toEqual(range(1, 1_000));
    expect(reads).toEqual([0, 500, 1_000]);
  });

  it("tells what it has told or is still to tell, once it is closed what it has told", async () => {
    const { cursor, commit } = setUp();
    const followed = cursor(1);
    commit(1);
    await followed.publish(commit(1));
    expect([0, 1, 2, 3].map((seq) => followed.tells(seq))).toEqual([false, false, true, true]);
    followed.closed = true;
    expect([1, 2, 3].map((seq) => followed.tells(seq))).toEqual([false, true, false]);
    followed.skipTo(2);
    expect(followed.tells(2)).toBe(false);
  });
});

it("has the arrows of its drawing, and no other", () => {
  const arrows = Object.entries(FOLLOWING).flatMap(([from, row]) =>
    Object.entries(row).flatMap(([event, to]) => (to === from ? [] : [`${from} ${event} ${to}`])),
  );
  expect(arrows.toSorted()).toEqual([
    "behind caught_up live",
    "held follow behind",
    "held release live",
    "live follow behind",
    "live gap behind",
    "live hold held",
  ]);
});
