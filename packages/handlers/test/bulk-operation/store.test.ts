/** B3: what was applied is on disk when it is told, and the disk is waited for outside of the event loop. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openBulkStore } from "../../src/bulk-operation/store.ts";
import { freshFolder } from "./folder.ts";

vi.mock("node:fs/promises", async (original) => {
  const actual = await original<{ open: typeof open }>();
  return { ...actual, open: vi.fn<typeof open>(actual.open) };
});

test("B3: a batch is told once an fsync that began after its commit has ended, and batches share it", async () => {
  const folder = freshFolder();
  const store = openBulkStore(folder, Date.now);
  const began: PromiseWithResolvers<void>[] = [];
  vi.mocked(open).mockImplementation(async (path) => {
    expect(path).toBe(join(folder, "bulk.sqlite-wal"));
    const sync = Promise.withResolvers<void>();
    began.push(sync);
    return { datasync: () => sync.promise, close: () => Promise.resolve() } as never;
  });
  const told: number[] = [];
  const apply = (number: number): Promise<unknown> =>
    store.apply({ run: "run", number, tenantId: "t", entityType: "e" }, () => []).then(() => told.push(number));
  const first = apply(0);
  await vi.waitFor(() => expect(began).toHaveLength(1));
  // Committed while the first fsync runs: it may or may not have them.
  const rest = [apply(1), apply(2), apply(3)];
  expect([told, store.applied("run").length]).toEqual([[], 4]);
  began[0]!.resolve();
  await first;
  await vi.waitFor(() => expect(began).toHaveLength(2));
  expect(told).toEqual([0]);
  began[1]!.resolve();
  await Promise.all(rest);
  expect([told, began.length]).toEqual([[0, 1, 2, 3], 2]);
  store.close();
});

test("B3: a batch whose fsync fails is told as failed, and the next is tried anew", async () => {
  const folder = freshFolder();
  const store = openBulkStore(folder, Date.now);
  const apply = (number: number): Promise<unknown> => store.apply({ run: "run", number, tenantId: "t", entityType: "e" }, () => []);
  vi.mocked(open).mockRejectedValueOnce(new Error("disk gone"));
  await expect(apply(0)).rejects.toThrow("disk gone");
  vi.mocked(open).mockResolvedValue({ datasync: () => Promise.resolve(), close: () => Promise.resolve() } as never);
  await apply(1);
  store.close();
});
