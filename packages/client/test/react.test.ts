/** The hooks where there is no browser: on a server, and to the compiler. */
import { createElement, type ReactElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "@streamer/core";
import { createStreamerHooks, StreamerProvider, useConnection, useRequest, useRun } from "../src/react/index.ts";
import { connect, StreamerError, type Run } from "../src/index.ts";
import { viewOf } from "../src/react/view.ts";
import { startPeer } from "./fake-peer.ts";

function Views(): ReactElement {
  const views = [useConnection().status, useRequest("work").status, useRun("r1").status, useRun(undefined).status];
  return createElement("p", {}, views.join(" "));
}

it("renders on a server, and connects to nothing there", async () => {
  await using peer = await startPeer();
  const html = renderToString(createElement(StreamerProvider, { url: peer.url, options: { token: "t" } }, createElement(Views)));
  expect(html).toBe("<p>connecting idle pending idle</p>");
  expect(peer.offered).toEqual([]);
});

it("says what is missing when there is no provider", () => {
  expect(() => renderToString(createElement(Views))).toThrow("<StreamerProvider>");
});

it("shows a request that failed and is tried again as one that goes on", () => {
  const error = new StreamerError("PROCESSING_FAILED", "the database hung up");
  const retrying = { status: "RETRYING", acknowledged: true, attempt: 1, error } as const;
  expect(viewOf({ state: retrying })).toMatchObject({ status: "pending", error: undefined, state: { error } });
  expect(viewOf({ state: { ...retrying, status: "FAILED" } })).toMatchObject({ status: "error", error });
});

const resize = defineHandler({
  action: "resize_images",
  input: z.object({ album: z.string(), width: z.number().default(640) }),
  run: ({ album }) => ({ url: album, at: new Date(0) }),
});
const health = defineHandler({ action: "health", input: z.object({ deep: z.boolean().optional() }), run: () => "ok" as const });
const handlers = [resize, health] as const;
interface Resized {
  readonly url: string;
  readonly at: string;
}

it("types the hooks by the handlers", () => {
  const hooks = createStreamerHooks<typeof handlers>();
  const check = (): void => {
    const request = hooks.useRequest("resize_images", { priority: 9, onSuccess: ({ url }, { album }) => void [url, album] });
    if (request.isSuccess) expectTypeOf(request.data).toExtend<Resized>();
    if (request.isError) expectTypeOf(request.error.message).toBeString();
    expectTypeOf(request.submit({ album: "a1" })).toExtend<Run<Resized>>();
    expectTypeOf(request.submitAsync({ album: "a1" }, { id: "r1" })).resolves.toExtend<Resized>();
    expectTypeOf(hooks.useRequest("health").submit()).toEqualTypeOf<Run<"ok">>();
    expectTypeOf(hooks.useRun<"health">("r1").data).toEqualTypeOf<"ok" | undefined>();
    expectTypeOf(hooks.useRun("r1").data).toBeUnknown();
    expectTypeOf(hooks.useClient().request("health").result).resolves.toEqualTypeOf<"ok">();
    // @ts-expect-error: an input that is required
    request.submit();
    // @ts-expect-error: no such action
    hooks.useRequest("resize");
    // @ts-expect-error: a cancellation's reason is not an event
    request.cancel("why");
    createElement(StreamerProvider, { client: connect<typeof handlers>("ws://127.0.0.1", { token: "t" }) });
  };
  expectTypeOf(check).toBeFunction();
});
