import { expect, it } from "vitest";
import { storageFull, storageLimit } from "./stored-bytes.ts";

const limits = { storedBytesPerUser: 100, storedBytesPerTenant: 150 };

it("P14 what is stored and what is to be may come up to each limit, and no further", () => {
  expect(storageLimit({ user: 60, tenant: 110 }, 40, limits)).toBeUndefined();
  expect(storageLimit({ user: 60, tenant: 100 }, 41, limits)).toEqual({ limit: "storedBytesPerUser", bytes: 60 });
  expect(storageLimit({ user: 10, tenant: 110 }, 41, limits)).toEqual({ limit: "storedBytesPerTenant", bytes: 110 });
});

it("P14 says which quota it is, how much is used, and when room comes", () => {
  const full = { limit: "storedBytesPerUser", bytes: 60 } as const;
  expect(storageFull("r1", { ...full, roomAt: 500_000 }, { most: limits, now: 100_000 })).toMatchObject({
    code: "RATE_LIMITED",
    message: '60 bytes are stored for you; 100 is the limit. "r1" finds room when older requests are past their retention.',
    details: { quota: "storedBytesPerUser", stored_bytes: 60, limit_bytes: 100 },
    afterMs: 400_000,
  });
  expect(storageFull("r1", { ...full, limit: "storedBytesPerTenant", roomAt: 0 }, { most: limits, now: 5 })).toMatchObject({
    message: expect.stringContaining("for your tenant; 150"),
    afterMs: 60_000,
  });
  expect(storageFull("r1", full, { most: limits, now: 5 }).afterMs).toBe(60_000);
});
