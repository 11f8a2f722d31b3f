/** The wire protocol on the real bundles: the stack of apps/infra with the contract's handlers, on the local AWS. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { API_GATEWAY, wireContract } from "@streamer/contract";
import { startAwsLocal, synthesize, type AwsLocal } from "../src/index.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

let aws: AwsLocal;
const lines: string[] = [];
beforeAll(async () => {
  const outFolder = await mkdtemp(join(tmpdir(), "wire-"));
  await synthesize({ app: path("../../../apps/infra"), outFolder, context: { handlers: path("fixture/wire-handlers.ts") } });
  aws = await startAwsLocal({
    assembly: outFolder,
    log: (name, line) => void lines.push(`${name} ${line}`),
    dials: { lambda: { instances: 24 } },
  });
});
afterAll(() => aws?.stop());

wireContract(() => ({ url: aws.url, token: (userId, tenantId = "acme") => aws.token({ userId, tenantId }) }), API_GATEWAY);
