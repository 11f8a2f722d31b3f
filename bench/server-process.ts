/** The server under test, in a process of its own: started by server.ts, asked over IPC for its own figures. */
import { join } from "node:path";
import { createLog, startServer } from "@streamer/embedded";
import { createBulkOperation, echo } from "@streamer/handlers";
import { UNLIMITED } from "./admission.ts";
import { burst, chatty, digest, noop, roundsBySize, roundsDeclared } from "./handlers.ts";
import { learn } from "./process-handler.ts";
import { answerQuestions } from "./process-figures.ts";
import { report } from "./report-handler.ts";
import type { ServerSettings } from "./server.ts";

const { dataFolder, workers } = JSON.parse(process.argv[2]!) as ServerSettings;
const shop = process.env.BENCH_SHOP;
const { admission, ...places } = UNLIMITED;
const server = await startServer({
  handlers: [
    echo,
    noop,
    chatty,
    burst,
    digest,
    roundsBySize,
    roundsDeclared,
    report,
    learn,
    createBulkOperation({ folder: join(dataFolder, "bulk") }),
  ],
  dataFolder,
  workers: { slots: workers, ...(shop && { env: { BENCH_SHOP: shop } }) },
  log: createLog("error"),
  ...places,
  options: { admission },
});
const token = await server.developmentToken({ userId: "bench", tenantId: "bench" });
answerQuestions({ url: server.url, token }, () => server.stop());
