/** The engines that the simulation knows. */
import type { Deployment } from "./engine.ts";
import { createEmbeddedStore } from "./engines/embedded/store.ts";
import { createMemoryStore } from "./engines/memory/store.ts";
import { createOneProcess } from "./one-process.ts";
import type { EngineName } from "./plan.ts";
import type { SimulatedWorld } from "./world.ts";

export const DEPLOYMENTS: Readonly<Partial<Record<EngineName, (world: SimulatedWorld) => Deployment>>> = {
  memory: (world) => createOneProcess(world, createMemoryStore),
  embedded: (world) => createOneProcess(world, createEmbeddedStore),
};
