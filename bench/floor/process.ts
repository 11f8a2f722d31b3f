/** The floor in a process of its own: started and asked as the server under test is (server.ts). */
import { answerQuestions } from "../process-figures.ts";
import type { ServerSettings } from "../server.ts";
import { startFloor } from "./server.ts";

const { dataFolder } = JSON.parse(process.argv[2]!) as ServerSettings;
const floor = await startFloor(dataFolder);
answerQuestions({ url: floor.url, token: "none" }, () => floor.stop());
