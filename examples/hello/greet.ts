/** The smallest handler: short enough to be answered at once. */
import { defineHandler } from "@streamer/core";
import { z } from "zod";

export const greet = defineHandler({
  action: "greet",
  input: z.object({ name: z.string().min(1).max(100) }),
  estimate: 1,
  run: ({ name }) => ({ greeting: `Hello, ${name}!` }),
});
