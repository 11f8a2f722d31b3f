/** What users import in their `streamer.config.ts`: it loads nothing of the server. */
import type { StreamerConfig } from "./options.ts";

export type { StreamerConfig } from "./options.ts";

/**
 * Gives a configuration its type, and returns it as it is.
 *
 * @example
 * export default defineConfig({ handlers: "./handlers", port: 9000, jwks: "https://id.example.com/jwks.json" });
 */
export const defineConfig = (config: StreamerConfig): StreamerConfig => config;
