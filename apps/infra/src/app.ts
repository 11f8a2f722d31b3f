/**
 * The CDK app: bundles the functions, then describes the stack. `cdk` runs it for every command, so what is deployed is
 * always made from the sources as they are.
 */
import { join, resolve } from "node:path";
import { Annotations } from "aws-cdk-lib";
import { bundleFunctions } from "./bundle/bundle.ts";
import { overBudget } from "./bundle/budgets.ts";
import { readConfiguration } from "./configuration.ts";
import { addStack, createApp } from "./create-app.ts";

const APP_FOLDER = resolve(import.meta.dirname, "..");

const app = createApp();
const configuration = readConfiguration((name) => app.node.tryGetContext(name) as unknown);
const bundles = await bundleFunctions({
  // A path is meant from where the command was given; npm and cdk change the folder before this runs.
  handlersModule:
    configuration.handlers === undefined
      ? join(APP_FOLDER, "handlers.ts")
      : resolve(process.env["INIT_CWD"] ?? ".", configuration.handlers),
  architecture: configuration.arch,
  outFolder: join(APP_FOLDER, "dist", "functions"),
  cacheFolder: join(APP_FOLDER, "node_modules", ".cache", "streamer"),
  workerOnly: configuration.workerOnly,
  asInstalled: configuration.asInstalled,
});
const stack = addStack(app, {
  configuration,
  codeFolder: (name) => bundles.find((bundle) => bundle.name === name)!.folder,
  // The CDK's toolkit says so, when it knows.
  region: process.env["CDK_DEFAULT_REGION"],
});
const over = overBudget(bundles);
// What is ours keeps within; handlers of others are theirs to weigh.
if (over !== undefined && configuration.handlers === undefined) throw new Error(over);
if (over !== undefined) Annotations.of(stack).addInfoV2("streamer:bundle-size", over);
app.synth();
