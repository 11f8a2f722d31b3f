/** The app around the stack: what is checked when it is synthesised. cdk.json turns the findings of CDK's own check into errors. */
import { App, Validations, type AppProps } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { StreamerStack, type StreamerStackProps } from "./stack.ts";

const stackName = (stage: string): string => `Streamer-${stage}`;

export function createApp(props: AppProps = {}): App {
  const app = new App(props);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

export function addStack(
  app: App,
  { configuration, codeFolder, region }: Pick<StreamerStackProps, "configuration" | "codeFolder" | "region">,
): StreamerStack {
  const { stage } = configuration;
  return new StreamerStack(app, stackName(stage), {
    configuration,
    codeFolder,
    region,
    description: `Streamer (${stage}): long-running requests over a WebSocket.`,
  });
}
