/** The engines that the simulation knows. */
import type { Deployment } from "./engine.ts";
import { createAwsDeployment } from "./engines/aws/deployment.ts";
import { createEmbeddedStore } from "./engines/embedded/store.ts";
import { createMemoryStore } from "./engines/memory/store.ts";
import { createOneProcess } from "./one-process.ts";
import type { EngineName } from "./plan.ts";
import type { SimulatedWorld } from "./world.ts";

export type CreateDeployment = (world: SimulatedWorld) => Deployment;

export const DEPLOYMENTS: Readonly<Partial<Record<EngineName, CreateDeployment>>> = {
  memory: (world) => createOneProcess(world, createMemoryStore),
  aws: (world) => createAwsDeployment(world),
  embedded: (world) => createOneProcess(world, createEmbeddedStore),
};
