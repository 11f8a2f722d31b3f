/**
 * The CDK app: bundles the functions, then describes the stack. `cdk` runs it for every command, so what is deployed is
 * always made from the sources as they are.
 */
import { join, resolve } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { bundleFunctions } from "./bundle/bundle.ts";
import { readConfiguration } from "./configuration.ts";
import { StreamerStack } from "./stack.ts";

const APP_FOLDER = resolve(import.meta.dirname, "..");

const app = new App();
const configuration = readConfiguration((name) => app.node.tryGetContext(name) as unknown);
const bundles = await bundleFunctions({
  handlersModule: resolve(configuration.handlers ?? join(APP_FOLDER, "handlers.ts")),
  architecture: configuration.arch,
  outFolder: join(APP_FOLDER, "dist", "functions"),
  cacheFolder: join(APP_FOLDER, "node_modules", ".cache", "streamer"),
  workerOnly: configuration.workerOnly,
  asInstalled: configuration.asInstalled,
  ...(process.env["PROBE"] && { entries: process.env["PROBE"] }),
});
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
new StreamerStack(app, `Streamer-${configuration.stage}`, {
  configuration,
  codeFolder: (name) => bundles.find((bundle) => bundle.name === name)!.folder,
  description: `Streamer (${configuration.stage}): long-running requests over a WebSocket.`,
});
app.synth();
