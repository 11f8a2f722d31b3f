import type { Clock } from "../../ports/clock.ts";
import { describe, expect, it } from "vitest";
import type { Frame } from "../../ports/events.ts";
import type { RequestKey } from "../../ports/requests.ts";
import type { Follower } from "../../ports/subscriptions.ts";
import { urlPlaceholder } from "../../rules/blob-links.ts";
import { createDeliver } from "./deliver.ts";

const KEY = "t/u/r" as RequestKey;
const MARK = "a-mark_of_22_characters";
const frame = (seq: number): Frame => ({ seq, kind: "durable", text: String(seq) });
const frames = (...seqs: number[]): Frame[] => seqs.map(frame);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** One process of several: `after` of a follower says that others have told it since. */
function setUp() {
  const log: Frame[] = [];
  const sent: Record<string, string[]> = {};
  const followers = new Map<string, Follower>();
  const faults = { of: false, has: false, send: false };
  const closed: string[] = [];
  const coalesced: [string, string][] = [];
  const handedOver: [string, number][] = [];
  /** Connections that another process told up to a seq. */
  const leftAt = new Map<string, number>();
  /** What the store says to a follower being left to other processes. */
  let mayHandOver: (seq: number) => boolean = () => true;
  let slow: Promise<void> | undefined;
  let slowMark: Promise<void> | undefined;
  const deliver = createDeliver({
    engine: {
      log: silent,
      clock: { now: () => 0 } as Clock,
      blobs: {
        linkMark: async () => {
          await slowMark;
          return MARK;
        },
        sign: async (name: string, ms: number, to: string) => ({ url: `https://files/${name}?ms=${ms}&to=${to}`, expiresAt: 0 }),
      } as never,
      events: { after: async (_, after, limit) => log.filter(({ seq }) => seq > after).slice(0, limit) },
      channel: {
        send: async (connectionId, { text, coalesceKey }) => {
          await slow;
          if (coalesceKey !== undefined) coalesced.push([coalesceKey, text]);
          if (faults.send) throw new Error("no network");
          (sent[connectionId] ??= []).push(text);
          return "sent" as const;
        },
        ready: () => Promise.resolve(),
        close: async (connectionId) => void closed.push(connectionId),
      },
      subscriptions: {
        add: async (connectionId) => {
          const isNew = !followers.has(connectionId);
          followers.set(connectionId, { connectionId });
          return leftAt.get(connectionId) ?? isNew;
        },
        remove: async (connectionId) => void followers.delete(connectionId),
        has: async (connectionId) => {
          if (faults.has) throw new Error("the store is down");
          return followers.has(connectionId);
        },
        isFollowed: async () => followers.size > 0,
        of: async () => {
          if (faults.of) throw new Error("the store is down");
          return Array.from(followers.values());
        },
        handOver: async (connectionId, _, seq) => {
          handedOver.push([connectionId, seq]);
          return mayHandOver(seq);
        },
        countOf: async () => 1,
        dropRequest: async () => {
          const all = Array.from(followers.keys());
          followers.clear();
          return all;
        },
        dropConnection: async (connectionId) => void followers.delete(connectionId),
      },
    },
    linkMs: 1_000,
    dropConnection: async (connectionId) => deliver.unfollowAll(connectionId),
    onAnswer: () => {},
  });
  const commit = (...seqs: number[]): Frame[] => {
    log.push(...frames(...seqs));
    return frames(...seqs);
  };
  return {
    deliver,
    commit,
    sent,
    followers,
    faults,
    closed,
    coalesced,
    handedOver,
    leftAt,
    slowly: (until: Promise<void>): void => {
      slow = until;
    },
    log,
    slowLinks: (until: Promise<void>): void => {
      slowMark = until;
    },
    onHandOver: (answer: typeof mayHandOver) => (mayHandOver = answer),
  };
}

describe("P5 P6 telling the followers of a request", () => {
  it("what other processes have written is read from the log, by the process that tells, and nobody is told it twice", async () => {
    const { deliver, commit, sent, followers } = setUp();
    commit(1, 2, 3);
    followers.set("left to us", { connectionId: "left to us", after: 1 });
    followers.set("ours", { connectionId: "ours" });
    await deliver.catchUp(KEY);
    expect(sent).toEqual({ "left to us": ["2", "3"] });
    followers.set("left to us", { connectionId: "left to us" });
    await deliver.publish(KEY, commit(4));
    expect(sent).toEqual({ "left to us": ["2", "3", "4"], ours: ["4"] });
  });

  it("a follower that others told meanwhile is told what is published, and what came before it", async () => {
    const { deliver, commit, sent, followers } = setUp();
    commit(1, 2);
    followers.set("c", { connectionId: "c", after: 1 });
    await deliver.publish(KEY, commit(3));
    expect(sent).toEqual({ c: ["2", "3"] });
  });

  it("a process that freezes leaves its followers to others once each has been told all there is", async () => {
    const { deliver, commit, sent, handedOver, onHandOver } = setUp();
    commit(1);
    await deliver.follow("c", KEY, 0);
    // Something is committed between the last word and the hand-over: the store has it, and says so.
    onHandOver((seq) => {
      if (seq === 1) commit(2);
      return seq === 2;
    });
    await deliver.handOver();
    expect(sent).toEqual({ c: ["1", "2"] });
    expect(handedOver).toEqual([
      ["c", 1],
      ["c", 2],
    ]);
    await deliver.handOver();
    expect(handedOver).toHaveLength(2);
  });

  it("waits for what is being sent before it leaves anybody to others", async () => {
    const { deliver, commit, handedOver, slowly } = setUp();
    await deliver.follow("c", KEY, 0);
    const network = Promise.withResolvers<void>();
    slowly(network.promise);
    const published = deliver.publish(KEY, commit(1));
    const left = deliver.handOver();
    await new Promise((resolve) => setImmediate(resolve));
    expect(handedOver).toEqual([]);
    network.resolve();
    await Promise.all([published, left]);
    expect(handedOver).toEqual([["c", 1]]);
  });

  it("what is published while something is being told comes right behind it", async () => {
    const { deliver, commit, sent, slowly } = setUp();
    await deliver.follow("c", KEY, 0);
    const network = Promise.withResolvers<void>();
    slowly(network.promise);
    const first = deliver.publish(KEY, commit(1));
    await new Promise((resolve) => setImmediate(resolve));
    const second = deliver.publishLast(KEY, commit(2));
    network.resolve();
    await Promise.all([first, second]);
    expect(sent).toEqual({ c: ["1", "2"] });
  });

  it("one whose connection fails at the hand-over is closed, and not handed over", async () => {
    const { deliver, commit, closed, handedOver, faults, onHandOver } = setUp();
    await deliver.follow("c", KEY, 0);
    onHandOver(() => {
      commit(1);
      faults.send = true;
      return false;
    });
    await deliver.handOver();
    expect(closed).toEqual(["c"]);
    expect(handedOver).toEqual([["c", 0]]);
  });

  it("P7 P11 links are signed as they leave, and a newer progress may stand for an older one of its request", async () => {
    const { deliver, sent, coalesced } = setUp();
    const file: Frame = { seq: 1, kind: "durable", text: JSON.stringify([urlPlaceholder(MARK, "a b.csv")]) };
    await deliver.sendTo("c", KEY, [file, { seq: 2, kind: "progress", text: "half" }]);
    expect(sent).toEqual({ c: ['["https://files/t/u/r/a%20b.csv?ms=1000&to=c"]', "half"] });
    expect(coalesced).toEqual([[KEY, "half"]]);
  });

  it("an end that nobody could be told of leaves the followers as they were", async () => {
    const { deliver, commit, sent, followers, faults } = setUp();
    await deliver.follow("c", KEY, 0);
    faults.of = true;
    await deliver.publishLast(KEY, commit(1));
    expect(sent).toEqual({});
    expect(followers.size).toBe(1);
    faults.of = false;
    await deliver.publishLast(KEY, commit(2));
    expect(sent).toEqual({ c: ["1", "2"] });
    expect(followers.size).toBe(0);
  });

  it("an end takes along the subscriptions of connections that this process never told", async () => {
    const { deliver, followers, sent } = setUp();
    followers.set("elsewhere", { connectionId: "elsewhere" });
    await deliver.publishLast(KEY, []);
    expect(followers.size).toBe(0);
    expect(sent).toEqual({});
  });

  it("a subscription that is kept back until after the end is told it, and then is over", async () => {
    const { deliver, commit, sent, handedOver } = setUp();
    expect(await deliver.hold("c", KEY, 0)).toBe(true);
    await deliver.publishLast(KEY, commit(1));
    expect(sent).toEqual({});
    await deliver.release("c", KEY);
    expect(sent).toEqual({ c: ["1"] });
    await deliver.handOver();
    expect(handedOver).toEqual([]);
  });

  it("a request that ends while a connection is told what came before is told to its end, and then is over", async () => {
    const { deliver, commit, sent, handedOver, slowly } = setUp();
    commit(1, 2);
    const network = Promise.withResolvers<void>();
    slowly(network.promise);
    const following = deliver.follow("c", KEY, 0);
    await new Promise((resolve) => setImmediate(resolve));
    const ended = deliver.publishLast(KEY, commit(3));
    await new Promise((resolve) => setImmediate(resolve));
    network.resolve();
    await Promise.all([following, ended]);
    expect(sent).toEqual({ c: ["1", "2", "3"] });
    await deliver.handOver();
    expect(handedOver).toEqual([]);
  });

  it("a connection that a push fails on is closed, so that it resumes; one that has ended since is left alone", async () => {
    const { deliver, commit, closed, faults, sent, slowly } = setUp();
    await deliver.follow("c", KEY, 0);
    const network = Promise.withResolvers<void>();
    slowly(network.promise);
    const published = deliver.publish(KEY, commit(1));
    await new Promise((resolve) => setImmediate(resolve));
    await deliver.unfollow("c", KEY);
    await deliver.follow("c", KEY, 1);
    faults.send = true;
    network.resolve();
    await published;
    expect(closed).toEqual(["c"]);
    expect(sent).toEqual({});
  });
});

describe("P5 P8 a receipt for what was asked of a request", () => {
  it("comes to a connection that follows nothing, and to one that follows as an event", async () => {
    const { deliver, commit, sent } = setUp();
    await deliver.follow("follower", KEY, 0);
    const receipts = [await deliver.expectReceipt("follower", KEY), await deliver.expectReceipt("bystander", KEY)];
    const committed = commit(1);
    await deliver.publish(KEY, committed);
    for (const receipt of receipts) await receipt.send(committed);
    expect(sent).toEqual({ follower: ["1"], bystander: ["1"] });
  });

  it("is not told again once the request has ended meanwhile, and is followed by nobody any more", async () => {
    const { deliver, commit, sent } = setUp();
    await deliver.follow("c", KEY, 0);
    const receipt = await deliver.expectReceipt("c", KEY);
    const committed = commit(1);
    await deliver.publishLast(KEY, commit(2));
    await deliver.publish(KEY, committed);
    await receipt.send(committed);
    expect(sent).toEqual({ c: ["1", "2"] });
  });

  it("comes once to a connection that begins to follow meanwhile, whatever its end", async () => {
    const { deliver, commit, sent } = setUp();
    const receipt = await deliver.expectReceipt("c", KEY);
    const committed = commit(1);
    await deliver.follow("c", KEY, 0);
    await deliver.publishLast(KEY, commit(2));
    await receipt.send(committed);
    expect(sent).toEqual({ c: ["1", "2"] });
  });

  it("comes although what was held back meanwhile came to nothing, before or after", async () => {
    const { deliver, commit, sent } = setUp();
    const early = await deliver.expectReceipt("early", KEY);
    const late = await deliver.expectReceipt("late", KEY);
    for (const connectionId of ["early", "late"]) await deliver.hold(connectionId, KEY, 0);
    const committed = commit(1);
    await deliver.publish(KEY, committed);
    await deliver.release("early", KEY, false);
    await early.send(committed);
    await late.send(committed);
    await deliver.release("late", KEY, false);
    expect(sent).toEqual({ early: ["1"], late: ["1"] });
  });

  it("comes to a connection that follows from after it only", async () => {
    const { deliver, commit, sent } = setUp();
    const receipt = await deliver.expectReceipt("c", KEY);
    const committed = commit(1);
    commit(2);
    await deliver.hold("c", KEY, 0);
    await deliver.release("c", KEY, 1);
    await receipt.send(committed);
    expect(sent).toEqual({ c: ["1"] });
    await deliver.publish(KEY, frames(2));
    expect(sent).toEqual({ c: ["1", "2"] });
  });

  it("is left to the process that tells the connection", async () => {
    const { deliver, commit, sent, followers } = setUp();
    followers.set("c", { connectionId: "c" });
    const receipt = await deliver.expectReceipt("c", KEY);
    await receipt.send(commit(1));
    expect(sent).toEqual({});
  });

  it("cannot be expected while the store is down, and nothing is left of it", async () => {
    const { deliver, commit, sent, faults } = setUp();
    faults.has = true;
    await expect(deliver.expectReceipt("c", KEY)).rejects.toThrow("the store is down");
    faults.has = false;
    const receipt = await deliver.expectReceipt("c", KEY);
    await receipt.send(commit(1));
    receipt.close();
    expect(sent).toEqual({ c: ["1"] });
  });
});

it("P5 a frame that waits for its links when its connection follows anew is told once", async () => {
  const { deliver, log, sent, slowLinks } = setUp();
  const links = Promise.withResolvers<void>();
  slowLinks(links.promise);
  log.push({ seq: 1, kind: "durable", text: JSON.stringify([urlPlaceholder(MARK, "1")]) });
  const first = deliver.follow("c", KEY, 0);
  await new Promise((resolve) => setImmediate(resolve));
  const second = deliver.follow("c", KEY, 0);
  links.resolve();
  await Promise.all([first, second]);
  expect(sent).toEqual({ c: [JSON.stringify(["https://files/t/u/r/1?ms=1000&to=c"])] });
});

it("P6 what another process had still to tell a follower is told by the one that takes it over", async () => {
  const { deliver, commit, sent, leftAt } = setUp();
  commit(1, 2, 3);
  leftAt.set("c", 1);
  expect(await deliver.hold("c", KEY, 3)).toBe(false);
  await deliver.publish(KEY, commit(4));
  await deliver.release("c", KEY);
  expect(sent).toEqual({ c: ["2", "3", "4"] });
});

describe("following no longer", () => {
  it("a connection that closes ends all it follows, and what follows nothing ends nothing", async () => {
    const { deliver, commit, sent, followers } = setUp();
    await deliver.unfollow("c", KEY);
    await deliver.unfollowAll("c");
    await deliver.follow("c", KEY, 0);
    await deliver.unfollowAll("c");
    await deliver.publish(KEY, commit(1));
    expect(sent).toEqual({});
    expect(followers.size).toBe(0);
    // Nothing is left of it: the next to have its name follows from where it says.
    await deliver.follow("c", KEY, 0);
    expect(sent).toEqual({ c: ["1"] });
  });
});
