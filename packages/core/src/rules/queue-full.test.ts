import { expect, it } from "vitest";
import { queueFull } from "./queue-full.ts";

it("P14 says whose queue is full, how long it is, and when to ask again", () => {
  const told = (whose: "queued" | "queuedPerTenant" | "queuedPerUser") => {
    const { code, message, requestId, afterMs } = queueFull("r1", whose, 7);
    return { code, message, requestId, afterMs };
  };
  const refused = { code: "RATE_LIMITED", requestId: "r1", afterMs: 1_000 };
  expect(told("queued")).toEqual({ ...refused, message: 'The queue holds 7 requests, the limit; "r1" was not accepted.' });
  expect(told("queuedPerUser").message).toBe('Your own part of the queue holds 7 requests, the limit; "r1" was not accepted.');
  expect(told("queuedPerTenant")).toEqual({
    ...refused,
    message: 'Your tenant\'s queue holds 7 requests, the limit; "r1" was not accepted.',
  });
});
