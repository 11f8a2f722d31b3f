/** examples/plain-client, which knows the plainest message shapes and nothing else, is served like anybody. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PARTS } from "./handlers.ts";

const CLIENT = fileURLToPath(new URL("../../../../examples/plain-client/client.js", import.meta.url));
/** A client that is not answered hangs: it is ended then. */
const PATIENCE_MS = 20_000;

export function plainClientContract(open: () => Promise<{ readonly url: string; readonly token: string }>): void {
  async function run(action: string, payload: unknown): Promise<{ readonly exitCode: unknown; readonly lines: readonly string[] }> {
    const { url, token } = await open();
    const args = [CLIENT, url, token, `contract.${action}`, JSON.stringify(payload)];
    const { promise, resolve } = Promise.withResolvers<{ readonly exitCode: unknown; readonly lines: readonly string[] }>();
    execFile(process.execPath, args, { timeout: PATIENCE_MS }, (error, stdout) =>
      resolve({ exitCode: error?.code ?? 0, lines: stdout.trim().split("\n") }),
    );
    return promise;
  }

  describe("a client that knows the plainest messages alone", () => {
    it("§3.2 §5.3 gets the answer of a short request", async () => {
      expect(await run("echo", { n: 1 })).toEqual({ exitCode: 0, lines: ['response {"n":1}'] });
    });

    it("§3.2 §5.10 follows a long one to its result", async () => {
      const { exitCode, lines } = await run("story", {});
      expect(exitCode).toBe(0);
      expect(lines[0]).toMatch(/^acknowledgment (queued|processing): ./);
      expect(lines.at(-2)).toMatch(/^progress 100 %/);
      expect(lines.at(-1)).toBe(`complete {"parts":${PARTS},"attempt":1}`);
    });

    it("§3.2 §5.11 is told what failed, and what was refused", async () => {
      const [failed, refused] = await Promise.all([run("broken", {}), run("strict", {})]);
      expect(failed).toMatchObject({ exitCode: 1 });
      expect(failed.lines.at(-1)).toBe("error PROCESSING_FAILED: nothing can mend this");
      expect(refused).toEqual({ exitCode: 1, lines: [expect.stringMatching(/^error VALIDATION_ERROR: .*start_date/)] });
    });
  });
}
