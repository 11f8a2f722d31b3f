import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { beforePaint, flush } from "./frames.ts";

const calls: string[] = [];
const first = (): void => void calls.push("first");
const second = (): void => void calls.push("second");

beforeEach(() => {
  calls.length = 0;
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A page whose frames come when the test says so. */
function stubPage(): { readonly page: EventTarget & { hidden: boolean }; readonly frames: Set<() => void> } {
  const page = Object.assign(new EventTarget(), { hidden: false });
  const frames = new Set<() => void>();
  vi.stubGlobal("document", page);
  vi.stubGlobal("requestAnimationFrame", (frame: () => void) => {
    frames.add(frame);
    return frame;
  });
  vi.stubGlobal("cancelAnimationFrame", (frame: () => void) => frames.delete(frame));
  return { page, frames };
}

it("calls everyone once in the next frame, however often they ask", () => {
  const { frames } = stubPage();
  for (const call of [first, second, first]) beforePaint(call);
  expect([calls, frames.size]).toEqual([[], 1]);
  for (const frame of frames) frame();
  expect(calls).toEqual(["first", "second"]);
});

it("asks for no frame that a flush has made needless", () => {
  const { frames } = stubPage();
  beforePaint(first);
  flush();
  expect([calls, frames.size]).toEqual([["first"], 0]);
});

it("calls without a frame when the page is hidden before it comes, and by a timer while it is", () => {
  const { page, frames } = stubPage();
  beforePaint(first);
  page.hidden = true;
  page.dispatchEvent(new Event("visibilitychange"));
  expect([calls, frames.size]).toEqual([["first"], 0]);
  beforePaint(second);
  expect([calls, frames.size]).toEqual([["first"], 0]);
  vi.advanceTimersByTime(100);
  expect(calls).toEqual(["first", "second"]);
});

it("calls by a timer where there are no frames", () => {
  for (const call of [first, first]) beforePaint(call);
  vi.advanceTimersByTime(100);
  expect(calls).toEqual(["first"]);
});
