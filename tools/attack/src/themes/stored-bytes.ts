/** Results of a megabyte, kept for seven days, until the user's share of the disk is used up. */
import { open } from "../connection.ts";
import { type Theme } from "../theme.ts";

const BODY = "a".repeat(1_000_000);
const AT_ONCE = 3;
/** The default share of a user, with a little for what is stored beside. */
const SHARE_MIB = 500;

export const storedBytes: Theme = {
  name: "stored-bytes",
  does: "queued results of 1 MB, one after another, until no more are taken",
  unit: "requests",
  counts: { ci: 60, release: 800 },
  limitSeconds: { ci: 240, release: 900 },
  async attack({ target, count, signal }) {
    const connection = await open(target, "attacker");
    let completed = 0;
    let refusal: string | undefined;
    while (completed < count && refusal === undefined && connection.isOpen && !signal.aborted) {
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, at) =>
          connection.ask({ type: "request", id: `s${completed + at}`, action: "echo", payload: BODY, options: { mode: "async" } }),
        ),
      );
      completed += answers.filter((answer) => answer?.type === "complete").length;
      const refused = answers.find((answer) => answer?.type !== "complete");
      // As fast as bytes are taken: that refusal says when to go on, and is none of the disk.
      if (refused?.type === "error" && refused.error.code === "RATE_LIMITED" && (refused.error.retry?.after_ms ?? 0) < 60_000) {
        await new Promise((resolve) => setTimeout(resolve, refused.error.retry?.after_ms ?? 100));
        continue;
      }
      if (refused) refusal = JSON.stringify(refused).slice(0, 300);
    }
    connection.close();
    const colleague = await open(target, "colleague");
    const answer = await colleague.ask({ type: "request", id: "mine", action: "echo", payload: 1, options: { mode: "async" } });
    colleague.close();
    return {
      counted: { completed, refused: refusal ?? "never" },
      broken: [
        ...(answer?.type === "complete" ? [] : [`a colleague's queued echo: ${JSON.stringify(answer)}`]),
        ...(2 * completed > SHARE_MIB * 1.1
          ? [`${completed} results and payloads of 1 MB were taken, and a user's share is ${SHARE_MIB} MiB`]
          : []),
        ...(refusal !== undefined && !refusal.includes("RATE_LIMITED") ? [`the refusal is no limit: ${refusal}`] : []),
      ],
    };
  },
};
