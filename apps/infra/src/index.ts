/** For CDK apps of one's own: Streamer as a stack among theirs, with handlers from their folder. */
import { dirname, join, resolve } from "node:path";
import { Annotations, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { bundleFunctions } from "./bundle/bundle.ts";
import { overBudget } from "./bundle/budgets.ts";
import { readConfiguration, type Settings } from "./configuration.ts";
import { StreamerStack } from "./stack.ts";

export interface StreamerProps extends StackProps {
  /** Path of the module that exports `handlers`, from the folder the app is run in. It is bundled with what it imports. */
  readonly handlers: string;
  /** What `streamer deploy` takes as settings (docs/deploy-aws.md). */
  readonly settings?: Omit<Settings, "handlers">;
  /** Where the functions' code is built, and what is fetched for other architectures is kept. Default: `.streamer` beside the handlers. */
  readonly buildFolder?: string;
}

/**
 * Bundles the functions, and describes the stack they are in. Throws an error that lists every setting that cannot be
 * right. A bundle that is larger than it should start with is told as information of the stack.
 */
export async function createStreamerStack(
  scope: Construct,
  id: string,
  { handlers, settings = {}, buildFolder, ...props }: StreamerProps,
): Promise<StreamerStack> {
  const configuration = readConfiguration((name) => (settings as Readonly<Record<string, unknown>>)[name]);
  const handlersModule = resolve(handlers);
  const folder = resolve(buildFolder ?? join(dirname(handlersModule), ".streamer"));
  const bundles = await bundleFunctions({
    handlersModule,
    architecture: configuration.arch,
    outFolder: join(folder, "functions"),
    cacheFolder: join(folder, "cache"),
    workerOnly: configuration.workerOnly,
    asInstalled: configuration.asInstalled,
  });
  const stack = new StreamerStack(scope, id, {
    ...props,
    configuration,
    codeFolder: (name) => bundles.find((bundle) => bundle.name === name)!.folder,
    region: props.env?.region ?? process.env["CDK_DEFAULT_REGION"],
  });
  const over = overBudget(bundles);
  if (over !== undefined) Annotations.of(stack).addInfoV2("streamer:bundle-size", over);
  return stack;
}

export { StreamerStack } from "./stack.ts";
export type { Settings } from "./configuration.ts";
