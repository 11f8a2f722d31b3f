export { startAwsLocal, type AwsLocal, type AwsLocalOptions } from "./start.ts";
export type { DialChoices, GatewayFaults } from "./dials.ts";
export type { CallFault, Faults, InvocationFault, MessageFault, RecordsFault, ServiceCall, ServiceName } from "./faults/faults.ts";
export type { StreamRecord } from "./streams/records.ts";
export type { DynamoEngine } from "./dynamodb/engine.ts";
export { startStreamerLocal, type StreamerLocalOptions } from "./streamer.ts";
export { uploadData } from "./upload.ts";
export { synthesize, type Synthesis } from "./synthesize.ts";
