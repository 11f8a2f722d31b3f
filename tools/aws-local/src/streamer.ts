/** Streamer's own stack, made of the sources as they are and started: for the command, the demo and tests. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startAwsLocal, type AwsLocal, type AwsLocalOptions } from "./start.ts";
import { synthesize } from "./synthesize.ts";

export interface StreamerLocalOptions extends Omit<AwsLocalOptions, "assembly"> {
  /** A folder that `cdk synth` wrote. Default: synthesised now, for this machine. */
  readonly assembly?: string;
  /** Of the synthesis, as `-c name=value`. */
  readonly context?: Readonly<Record<string, string>>;
}

const APP = fileURLToPath(new URL("../../../apps/infra", import.meta.url));

export async function startStreamerLocal({ assembly, context, ...options }: StreamerLocalOptions = {}): Promise<AwsLocal> {
  if (assembly !== undefined) return startAwsLocal({ ...options, assembly });
  const outFolder = await mkdtemp(join(tmpdir(), "streamer-assembly-"));
  const forget = (): Promise<void> => rm(outFolder, { recursive: true, force: true });
  try {
    await synthesize({ app: APP, outFolder, ...(context && { context }) });
    const aws = await startAwsLocal({ ...options, assembly: outFolder });
    return {
      ...aws,
      stop: async () => {
        await aws.stop();
        await forget();
      },
    };
  } catch (error) {
    await forget();
    throw error;
  }
}
