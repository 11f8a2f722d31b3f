/**
 * npm run aws:local: the stack of apps/infra on this machine, until Ctrl-C.
 *
 *   --assembly FOLDER             what `cdk synth` wrote, instead of synthesising now
 *   --dynamodb fast|reference     dynoxide, or AWS's DynamoDB Local (Java 17)
 *   --data FOLDER                 files that the handlers read
 *   --json                        one JSON line instead of text
 *   --verbose                     the output of the functions, on stderr
 */
import { parseArgs } from "node:util";
import { startStreamerLocal } from "./streamer.ts";
import { uploadData } from "./upload.ts";

const { values } = parseArgs({
  options: {
    assembly: { type: "string" },
    dynamodb: { type: "string", default: "fast" },
    data: { type: "string" },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const { assembly, dynamodb, data } = values;
if (dynamodb !== "fast" && dynamodb !== "reference") throw new Error(`--dynamodb is fast or reference, not ${dynamodb}.`);

const begun = performance.now();
const aws = await startStreamerLocal({
  dynamodb,
  ...(assembly !== undefined && { assembly }),
  ...(values.verbose && { log: (name, line) => void process.stderr.write(`${name} ${line}\n`) }),
});
try {
  if (data !== undefined) await uploadData(aws, data);
  const token = await aws.token({ userId: "developer", tenantId: "default" });
  if (values.json) process.stdout.write(`${JSON.stringify({ url: aws.url, token, endpoints: aws.endpoints })}\n`);
  else {
    process.stdout.write(`AWS on this machine, after ${((performance.now() - begun) / 1_000).toFixed(1)} s: ${aws.url}

  export STREAMER_URL=${aws.url} STREAMER_TOKEN=${token}
  npx streamer request echo '{"text":"hello"}'
  npx streamer request health

Ctrl-C stops it.
`);
  }
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
} finally {
  await aws.stop();
}
