/** Somebody's own CDK app, with Streamer as one of its stacks. */
import { createStreamerStack } from "@streamer/aws/cdk";
import { App } from "aws-cdk-lib";

const app = new App();
await createStreamerStack(app, "Jobs", {
  handlers: "handlers.ts",
  settings: { stage: "dev", jwksUrl: "https://id.example.com/jwks.json" },
});
app.synth();
