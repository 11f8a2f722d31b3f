/** What a client infers from handlers: checked by the compiler, run only to be part of the suite. */
import { expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineHandler } from "@streamer/core";
import type { JsonObject } from "@streamer/protocol";
import type { Client, Run } from "../src/index.ts";
import type { ActionsOf, Travelled } from "../src/actions.ts";

const resize = defineHandler({
  action: "resize_images",
  input: z.object({ album: z.string(), width: z.number().default(640) }),
  run: ({ album, width }) => ({ url: `${album}/${width}`, at: new Date(0), sizes: [1, 2] }),
});
const health = defineHandler({
  action: "health",
  input: z.object({ deep: z.boolean().optional() }),
  run: () => Promise.resolve("ok" as const),
});

type FromArray = Client<ActionsOf<readonly [typeof resize, typeof health]>>;
type FromObject = Client<ActionsOf<{ resize: typeof resize; health: typeof health; notAHandler: () => void }>>;

it("infers inputs, outputs and action names from an array or an object of handlers", () => {
  const check = (client: FromArray, same: FromObject): void => {
    const run = client.request("resize_images", { album: "a1" });
    expectTypeOf(run.result).resolves.toEqualTypeOf<{ url: string; at: string; sizes: number[] }>();
    expectTypeOf(client.request("health")).toEqualTypeOf<Run<"ok">>();
    expectTypeOf(same.request("health", { deep: true }).result).resolves.toEqualTypeOf<"ok">();
    // @ts-expect-error: an input that is required
    client.request("resize_images");
    // @ts-expect-error: a wrong type
    client.request("resize_images", { album: 1 });
    // @ts-expect-error: no such action
    same.request("resize", {});
  };
  expectTypeOf(check).toBeFunction();
});

it("takes any action and input when it knows of no handlers", () => {
  const check = (client: Client): void => {
    expectTypeOf(client.request("anything", { at: 1 }, { priority: 1 }).result).resolves.toBeUnknown();
    expectTypeOf(client.attach<{ url: string }>("r1").result).resolves.toEqualTypeOf<{ url: string }>();
  };
  expectTypeOf(check).toBeFunction();
});

it("leaves JSON of any shape as it is", () => {
  expectTypeOf<Travelled<{ at: Date; stats: JsonObject }>["stats"]>().toEqualTypeOf<JsonObject>();
});
