/** Tokens whose claims are somewhere else, by the flags of `streamer serve`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { signToken } from "@streamer/auth";
import { connect } from "@streamer/client";
import { jsonLines, streamer } from "./command.ts";
import { streamerHere } from "./in-process.ts";

const SECRET = "s".repeat(32);
const folder = mkdtempSync(join(tmpdir(), "streamer-claims-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CLAIMS = { user: "oid", tenant: "https://example.com/tenant", permissions: "realm_access.roles", audience: "client_id" };
const flags = ["--user-claim", CLAIMS.user, "--tenant-claim", CLAIMS.tenant, "--audience-claim", CLAIMS.audience];

it("who somebody is and what they may do is read where the flags say; a token without its tenant is refused", async () => {
  const handlers = `import { defineHandler } from "@streamer/core";
    const input = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
    export const whoami = defineHandler({ action: "whoami", input, estimate: 1, permissions: ["reports"],
      run: (_, { request: { userId, tenantId, permissions } }) => ({ userId, tenantId, permissions }) });`;
  writeFileSync(join(folder, "handlers.mjs"), handlers.replace("@streamer/core", import.meta.resolve("@streamer/core")));
  const given = [
    ...flags,
    "--permission-claims",
    `${CLAIMS.permissions},scope`,
    "--audience",
    "app",
    "--issuer",
    "https://a.test,https://b.test",
  ];
  const serve = streamer(["serve", "--handlers", "handlers.mjs", "--port", "0", "--json", "--log-level", "silent", ...given], {
    cwd: folder,
    env: { STREAMER_SECRET: SECRET },
  });
  await serve.printed('"url"');
  const { url } = jsonLines(serve.stdout)[0] as { url: string };
  const token = (claims?: typeof CLAIMS): string => {
    const terms = { userId: "ann", tenantId: "acme", permissions: ["reports"], issuer: "https://b.test", audience: "app" };
    return signToken(Buffer.from(SECRET), { ...terms, ...(claims && { claims }) }, Date.now());
  };
  await using client = connect(url, { token: token(CLAIMS) });
  expect(await client.request("whoami", {}).result).toEqual({ userId: "ann", tenantId: "acme", permissions: ["reports"] });
  await using refused = connect(url, { token: token({ ...CLAIMS, tenant: "tenant_id" }) });
  await expect(refused.request("whoami", {}).result).rejects.toThrow(`The token has no "${CLAIMS.tenant}"`);
  serve.kill("SIGTERM");
  expect(await serve.ended).toBe(0);
});

it("a path that is none, and flags about claims without keys, are refused", async () => {
  const keyless = streamerHere(["serve", "--tenant-claim", "org_id"]);
  expect([await keyless.exitCode, keyless.stderr]).toEqual([2, expect.stringContaining("are about tokens of your own")]);
  const wrong = streamer(["serve", "--port", "0", "--tenant-claim", "a..b"], { cwd: folder, env: { STREAMER_SECRET: SECRET } });
  expect([await wrong.ended, wrong.stderr]).toEqual([2, expect.stringContaining('"a..b" is no path of a claim')]);
});
